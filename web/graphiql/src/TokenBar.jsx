import { useState } from 'react';

import { claimsOf } from './token.js';

/** Who the requests are sent as, and a field to change it. */
export function TokenBar({ token, onChange }) {
  const [draft, setDraft] = useState('');

  const submit = (event) => {
    event.preventDefault();
    if (draft.trim() !== '') {
      onChange(draft);
      setDraft('');
    }
  };

  return (
    <form className="token-bar" onSubmit={submit}>
      <span className="token-bar-name">Afterimage</span>
      <span className="token-bar-caller">{describe(token)}</span>
      <input
        type="password"
        autoComplete="off"
        spellCheck={false}
        aria-label="Bearer token"
        placeholder={token === '' ? 'Paste a bearer token' : 'Paste another token'}
        value={draft}
        onChange={(event) => setDraft(event.target.value)}
      />
      <button type="submit" disabled={draft.trim() === ''}>
        Use token
      </button>
    </form>
  );
}

function describe(token) {
  if (token === '') {
    return 'No token yet: `afterimage token --role admin` prints one';
  }
  const claims = claimsOf(token);
  if (claims === null) {
    return 'What was pasted is not a token';
  }
  const name = claims.preferred_username ?? claims.sub ?? 'someone';
  if (typeof claims.exp !== 'number') {
    return `As ${name}`;
  }
  const end = new Date(claims.exp * 1000);
  return end < new Date() ? `The token of ${name} has expired` : `As ${name}, until ${end.toLocaleString()}`;
}
