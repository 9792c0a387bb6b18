// Requests to the server. All addresses are relative to the page, so that it works behind a prefix of a proxy.

/** An answer that is not a success: what the server said, for people. */
export class ServerError extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
    /** The queue is full, a model is being loaded, a proxy found nobody: the same request may succeed later. */
    this.isTransient = [429, 502, 503, 504].includes(status);
  }
}

/** The server could not be reached. */
export class Unreachable extends Error {
  constructor() {
    super('The server does not answer.');
    this.isTransient = true;
  }
}

/** The browser reports a file that was moved or changed since like a connection that failed. */
async function checkReadable(file) {
  try {
    await file.slice(0, 1).arrayBuffer();
  } catch {
    throw new Error('The file can no longer be read.');
  }
}

async function request(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Unreachable();
  }
  if (response.ok) return response;
  let detail = `The server answered ${response.status} ${response.statusText}.`;
  try {
    detail = (await response.json()).detail ?? detail;
  } catch {
    // Not a problem document: a proxy's answer, for instance.
  }
  const error = new ServerError(response.status, detail);
  error.retryAfter = Number(response.headers.get('Retry-After')) || 1;
  throw error;
}

/** A model's name as a part of a path, also within quotation marks. */
export const encoded = (name) => encodeURIComponent(name).replaceAll("'", '%27');

export const models = async () => (await request('v1/models', {cache: 'no-store'})).json();
export const classes = async () => (await request('classes', {cache: 'no-store'})).json();
export const metrics = async () => (await request('metrics', {cache: 'no-store'})).text();
export const trainings = async () => (await request('v1/training', {cache: 'no-store'})).json();
export const filtersPath = (model) => `v1/models/${encoded(model)}/filters`;

const waiting = (milliseconds, signal) => new Promise((resolve, reject) => {
  const timer = setTimeout(resolve, milliseconds);
  signal?.addEventListener('abort', () => {
    clearTimeout(timer);
    reject(new DOMException('stopped', 'AbortError'));
  }, {once: true});
});

async function upload(path, file, signal) {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await (await request(path, {
        method: 'POST', body: file, signal, headers: {'Content-Type': file.type.startsWith('image/') ? file.type : 'application/octet-stream'},
      })).json();
    } catch (error) {
      if (error instanceof Unreachable) await checkReadable(file);
      // The server says when to come again.
      const comesAgain = error instanceof ServerError && [429, 503].includes(error.status) && attempt < 8;
      if (!comesAgain) throw error;
      await waiting(1000 * error.retryAfter * (0.5 + Math.random()), signal);
    }
  }
}

/** Classifies an image: the answer of the server. */
export const predict = (model, file, top, signal) => upload(`v1/models/${encoded(model)}/predict?top=${top}`, file, signal);

/** Explains a class for an image: heat map, input, activations. */
export const explain = (model, file, index, signal) => upload(`v1/models/${encoded(model)}/explain?class=${index}`, file, signal);
