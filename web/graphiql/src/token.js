// The bearer token of this tab. It comes with the link (`#token=…`), which never reaches a server or its log, is taken
// out of the address bar at once, and is forgotten when the tab is closed.

const KEY = 'afterimage:token';

/** Takes the token out of the link, if there is one, and gives the tab's token. */
export function openingToken() {
  const fragment = new URLSearchParams(window.location.hash.slice(1));
  const linked = fragment.get('token');
  if (linked !== null) {
    rememberToken(linked);
    fragment.delete('token');
    const rest = fragment.toString();
    const { pathname, search } = window.location;
    window.history.replaceState(null, '', pathname + search + (rest && `#${rest}`));
  }
  return sessionStorage.getItem(KEY) ?? '';
}

/** Keeps a token for this tab, as it was pasted: with or without `Bearer`. */
export function rememberToken(text) {
  const token = text.trim().replace(/^bearer\s+/i, '');
  sessionStorage.setItem(KEY, token);
  return token;
}

/** The claims of a token, unchecked; null where it is none. */
export function claimsOf(token) {
  try {
    const payload = token.split('.')[1].replace(/-/g, '+').replace(/_/g, '/');
    const bytes = Uint8Array.from(atob(payload), (character) => character.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
}
