// Classifies images, a few at a time, and shows each as a card.

import * as api from './api.js';
import {byID, count, csv, make, percent, save} from './dom.js';

/** How many requests are under way at once: enough to fill a batch, few enough to leave others their turn. */
const concurrency = 4;
/** How many cards are shown: more would make the page slow. All images are counted, evaluated and saved. */
const maxCards = 60;
const top = 5;

/** All images, the newest last: {file, name, folder, answer, error, milliseconds}. */
export const images = [];

let waiting = [];
let runningCount = 0;
let stopper = new AbortController();
let modelName = '';
let listeners = {answered: () => {}, finished: () => {}, why: () => {}};

const cards = byID('cards');

/** What to call: `answered(answer)` after each, `finished()` after the last, `why(image, index)` when someone asks. */
export function listen(to) { listeners = {...listeners, ...to}; }

/** Adds images and classifies them. */
export function add(items) {
  images.push(...items);
  // The newest first; those that come together stay in their order.
  const first = cards.firstElementChild;
  for (const image of items.slice(0, maxCards)) draw(image, first);
  while (cards.children.length > maxCards) cards.lastElementChild.remove();
  waiting.push(...items);
  byID('drop').classList.add('compact');
  next();
}

/** Classifies all images again, by another model. */
export function setModel(name) {
  if (name === modelName) return;
  modelName = name;
  stop();
  stopper = new AbortController();
  for (const image of images) {
    image.answer = image.error = undefined;
    draw(image);
  }
  waiting = [...images];
  next();
}

/** Stops: images that have no answer yet get none. */
export function stop() {
  waiting = [];
  stopper.abort();
  stopper = new AbortController();
  update();
}

/** Forgets all images. */
export function clear() {
  stop();
  for (const image of images) if (image.url) URL.revokeObjectURL(image.url);
  images.length = 0;
  cards.replaceChildren();
  byID('drop').classList.remove('compact');
  update();
  listeners.finished();
}

function next() {
  update();
  while (runningCount < concurrency && waiting.length > 0) run(waiting.shift());
}

async function run(image) {
  const {signal} = stopper;
  runningCount += 1;
  const start = performance.now();
  try {
    const answer = await api.predict(modelName, image.file, top, signal);
    if (!signal.aborted) {
      image.answer = answer;
      image.milliseconds = performance.now() - start;
      listeners.answered(answer);
    }
  } catch (error) {
    if (error.name !== 'AbortError') image.error = error.message;
  }
  runningCount -= 1;
  if (!signal.aborted) draw(image);
  next();
  if (runningCount === 0 && waiting.length === 0) listeners.finished();
}

function update() {
  const doneCount = images.filter((image) => image.answer || image.error).length;
  const failedCount = images.filter((image) => image.error).length;
  const isRunning = waiting.length > 0 || runningCount > 0;
  byID('progress').hidden = images.length === 0;
  byID('progress-bar').hidden = !isRunning;
  byID('progress-bar').max = images.length || 1;
  byID('progress-bar').value = doneCount;
  const failed = failedCount > 0 ? `, ${count(failedCount)} could not be classified` : '';
  byID('progress-text').textContent = isRunning
    ? `${count(doneCount)} of ${count(images.length, 'image')}${failed}`
    : `${count(doneCount, 'image')}${failed}`;
  byID('stop').hidden = !isRunning;
  const hiddenCount = Math.max(0, images.length - maxCards);
  byID('more').hidden = hiddenCount === 0;
  byID('more').textContent = `${count(hiddenCount)} more are counted and saved, but not shown.`;
}

/**
 * Draws an image's card: in place of the one that it has, or as a new one.
 *
 * @param before the card that a new one precedes; undefined draws none.
 */
function draw(image, before) {
  const old = image.card;
  if (!old?.isConnected && before === undefined) return;
  image.url ??= URL.createObjectURL(image.file);
  const preview = make('img', {class: 'preview', src: image.url, alt: image.name});
  // A file that the browser cannot show; the server says why it cannot be classified.
  preview.addEventListener('error', () => preview.replaceWith(make('div', {class: 'preview', 'aria-hidden': 'true'})));
  image.card = make('li', {class: 'card'}, preview, make('div', {}, ...content(image)));
  if (old?.isConnected) old.replaceWith(image.card);
  else cards.insertBefore(image.card, before);
}

function content(image) {
  const name = make('p', {class: 'name', title: image.name}, image.name);
  if (image.error) return [name, make('p', {class: 'error'}, image.error)];
  if (!image.answer) return [name, make('p', {class: 'about'}, 'Waiting …')];
  const {answer} = image;
  return [
    name,
    make('ul', {class: 'bars', 'aria-label': `Most probable classes of ${image.name}`}, ...answer.top.map((one) => bar(image, one))),
    make('p', {class: 'about'}, `${Math.round(image.milliseconds)} ms · ${answer.model} · ${answer.version}`),
    make('p', {class: 'actions'}, make('button', {
      type: 'button', class: 'small', onclick: () => listeners.why(image, answer.index), 'aria-label': `Why ${answer.class}? ${image.name}`,
    }, 'Why?')),
  ];
}

function bar(image, candidate) {
  const fill = make('span', {class: 'fill', 'aria-hidden': 'true'});
  fill.style.width = `${100 * candidate.probability}%`;
  return make('li', {}, make('button', {
    type: 'button', title: `Why ${candidate.class}?`, onclick: () => listeners.why(image, candidate.index),
  }, fill, make('span', {class: 'label'}, candidate.class), make('span', {class: 'share'}, percent(candidate.probability))));
}

/** All answers as CSV. */
export const answersCSV = () => csv([
  ['file', 'folder', 'class', 'probability', 'index', 'model', 'version', 'error'],
  ...images.map(({name, folder, answer, error}) => [
    name, folder, answer?.class, answer?.probability, answer?.index, answer?.model, answer?.version, error,
  ]),
]);

byID('stop').addEventListener('click', stop);
byID('clear').addEventListener('click', clear);
byID('save').addEventListener('click', () => save('predictions.csv', answersCSV()));
