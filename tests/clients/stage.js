// What the tests around a client can do: write to the database by other ways, cut the line to the server, and put
// another server in its place.

const { AFTERIMAGE_URL, AFTERIMAGE_TOKEN, STAGE_URL } = process.env;

export const url = AFTERIMAGE_URL;
export const token = AFTERIMAGE_TOKEN;

async function order(path, body) {
  const answer = await fetch(STAGE_URL + path, { method: 'POST', body });
  if (!answer.ok) {
    throw new Error(`the stage answers ${answer.status} to ${path} ${body ?? ''}`);
  }
}

/** Runs SQL, as a program that knows nothing of the log. */
export const sql = (statements) => order('/sql', statements);

/** Ends all connections, and refuses new ones. */
export const cut = () => order('/cut');

/** Lets connections through again. */
export const mend = () => order('/mend');

/** Ends the server as a service manager does. */
export const stopServer = () => order('/stop');

/** Starts another over the same database. */
export const startServer = () => order('/start');
