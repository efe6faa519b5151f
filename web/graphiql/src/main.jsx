import 'graphiql/setup-workers/vite';
import 'graphiql/style.css';
import './style.css';

import { createGraphiQLFetcher } from '@graphiql/toolkit';
import { GraphiQL } from 'graphiql';
import { createClient } from 'graphql-ws';
import { useEffect, useMemo, useState } from 'react';
import { createRoot } from 'react-dom/client';

import { TokenBar } from './TokenBar.jsx';
import { liveChanges, newestChanges } from './queries.js';
import { openingToken, rememberToken } from './token.js';

const tabs = [{ query: newestChanges }, { query: liveChanges }];

function App() {
  const [token, setToken] = useState(openingToken);

  const socket = useMemo(() => {
    const url = new URL('/graphql', window.location.href);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    return createClient({
      url: url.href,
      connectionParams: { authorization: `Bearer ${token}` },
    });
  }, [token]);
  useEffect(() => () => void socket.dispose(), [socket]);

  const fetcher = useMemo(
    () =>
      createGraphiQLFetcher({
        url: '/graphql',
        headers: token === '' ? {} : { authorization: `Bearer ${token}` },
        wsClient: socket,
      }),
    [token, socket],
  );

  // A link opened in a tab that shows the page already changes the fragment and loads nothing.
  useEffect(() => {
    const follow = () => setToken(openingToken());
    window.addEventListener('hashchange', follow);
    return () => window.removeEventListener('hashchange', follow);
  }, []);

  return (
    <>
      <TokenBar token={token} onChange={(text) => setToken(rememberToken(text))} />
      <main>
        {/* The key starts GraphiQL anew with another token, since what it may see can differ. */}
        <GraphiQL key={token} fetcher={fetcher} defaultTabs={tabs} isHeadersEditorEnabled={false}>
          <GraphiQL.Logo>Afterimage</GraphiQL.Logo>
        </GraphiQL>
      </main>
    </>
  );
}

createRoot(document.getElementById('root')).render(<App />);
