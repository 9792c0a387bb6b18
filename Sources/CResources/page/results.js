// Classifies images, a few at a time, and shows each as a card.

import * as api from './api.js';
import {byID, count, csv, make, percent, save} from './dom.js';

/** How many requests are under way at once: enough to fill a batch, few enough to leave others their turn. */
const concurrency = 4;
/** How many cards are shown: more would make the page slow. All images are counted, evaluated and saved. */
const maxCards = 60;
/** How often an image is sent again by itself after the connection was lost over it: it may be the reason. */
const maxLosses = 2;
const top = 5;

/** All images, the newest last: {file, name, folders, answer, error, milliseconds, isQueued, isLost, losses}. */
export const images = [];

let waiting = [];
let runningCount = 0;
let stopper = new AbortController();
let modelName = '';
let listeners = {answered: () => {}, changed: () => {}, finished: () => {}, lost: () => {}, why: () => {}};

const cards = byID('cards');
/** The image of each card. */
const owners = new WeakMap();

/**
 * What to call: `answered(answer)` after each, `finished()` after the last, `changed()` when earlier answers no longer count,
 * `lost()` when the server cannot be reached, `why(image, index)` when someone asks.
 */
export function listen(to) { listeners = {...listeners, ...to}; }

/** Adds images and classifies them. */
export function add(items) {
  for (const image of items) images.push(Object.assign(image, {losses: 0}));
  byID('drop').classList.add('compact');
  enqueue(items);
  // The newest first; those that come together stay in their order.
  const first = cards.firstElementChild;
  for (const image of items.slice(0, maxCards)) draw(image, first);
  while (cards.children.length > maxCards) removeCard(owners.get(cards.lastElementChild));
  next();
}

/** Classifies all images again, by another model. */
export function setModel(name) {
  if (name === modelName) return;
  modelName = name;
  stop();
  listeners.changed();
  restart(images);
}

/** Classifies what has no answer and may get one: what was stopped, and what the server could not take. */
export function resume() {
  restart(images.filter((image) => isOpen(image) && !image.isQueued));
}

/** The same by itself, once the server answers again. */
export function resumeAfterLoss() {
  restart(images.filter((image) => image.isLost && isOpen(image) && image.losses <= maxLosses));
}

function restart(some) {
  for (const image of some) image.answer = image.error = undefined;
  enqueue(some);
  some.forEach((image) => draw(image));
  next();
}

function enqueue(some) {
  for (const image of some) Object.assign(image, {isQueued: true, isLost: false});
  waiting = waiting.concat(some);
}

/** Stops: images that have no answer yet get none. */
export function stop() {
  stopper.abort();
  stopper = new AbortController();
  waiting = [];
  for (const image of images) {
    if (!image.isQueued) continue;
    image.isQueued = false;
    draw(image);
  }
  update();
}

/** Forgets all images. */
export function clear() {
  stop();
  images.forEach(removeCard);
  images.length = 0;
  byID('drop').classList.remove('compact');
  update();
  listeners.changed();
}

/** Whether an image has no answer but may get one. */
const isOpen = (image) => !image.answer && (!image.error || image.error.isTransient);

function next() {
  update();
  // Images wait until there is a model.
  while (modelName && runningCount < concurrency && waiting.length > 0) run(waiting.shift());
}

async function run(image) {
  const {signal} = stopper;
  runningCount += 1;
  const start = performance.now();
  try {
    const answer = await api.predict(modelName, image.file, top, signal);
    if (!signal.aborted) {
      Object.assign(image, {answer, milliseconds: performance.now() - start});
      listeners.answered(answer);
    }
  } catch (error) {
    if (!signal.aborted) image.error = error;
  }
  runningCount -= 1;
  if (!signal.aborted) {
    image.isQueued = false;
    draw(image);
    if (image.error instanceof api.Unreachable) lose(image);
  }
  next();
  if (runningCount === 0 && waiting.length === 0) finish(image);
}

/** The others wait for the server, too, instead of failing one after the other. */
function lose(image) {
  image.losses += 1;
  for (const one of images) if (one === image || one.isQueued) one.isLost = true;
  stop();
  listeners.lost();
}

function finish(last) {
  // Said once, not with every image.
  let text = images.length === 0 ? '' : byID('progress-text').textContent;
  if (images.length === 1 && last.answer) text = `${last.name}: ${last.answer.class}, ${percent(last.answer.probability)}`;
  byID('progress-said').textContent = text;
  listeners.finished();
}

function update() {
  let [doneCount, failedCount, openCount] = [0, 0, 0];
  for (const image of images) {
    if (image.answer) doneCount += 1;
    else if (isOpen(image)) openCount += 1;
    else failedCount += 1;
  }
  const isRunning = waiting.length > 0 || runningCount > 0;
  const focused = document.activeElement;
  byID('progress').hidden = images.length === 0;
  byID('progress-bar').hidden = !isRunning;
  byID('progress-bar').max = images.length || 1;
  byID('progress-bar').value = doneCount + failedCount;
  byID('progress-text').textContent = [
    isRunning || openCount > 0 ? `${count(doneCount + failedCount)} of ${count(images.length, 'image')}` : count(images.length, 'image'),
    failedCount > 0 ? `${count(failedCount)} could not be classified` : null,
  ].filter(Boolean).join(', ');
  byID('stop').hidden = !isRunning;
  byID('resume').hidden = isRunning || openCount === 0;
  byID('more').hidden = images.length <= maxCards;
  byID('more').textContent = `${maxCards} are shown. All ${count(images.length)} are counted, and in the CSV.`;
  // Whoever pressed a button that is hidden now goes on beside it.
  if (focused?.closest('#progress') && !focused.checkVisibility()) {
    (images.length === 0 ? document.querySelector('#drop button') : byID('save')).focus();
  }
}

function removeCard(image) {
  image.card?.remove();
  if (image.url) URL.revokeObjectURL(image.url);
  image.card = image.url = undefined;
}

/**
 * Draws an image's card: in place of the one that it has, or as a new one.
 *
 * @param before the card that a new one precedes; undefined draws none.
 */
function draw(image, before) {
  if (!image.card && before === undefined) return;
  if (!image.card) {
    image.url ??= URL.createObjectURL(image.file);
    const preview = make('img', {class: 'preview', src: image.url, alt: ''});
    // A file that the browser cannot show; the server says why it cannot be classified.
    preview.addEventListener('error', () => preview.replaceWith(make('div', {class: 'preview none'}, 'No preview')));
    image.card = make('li', {class: 'card'}, preview, make('div', {}));
    owners.set(image.card, image);
    cards.insertBefore(image.card, before);
  }
  image.card.lastElementChild.replaceChildren(...content(image));
}

function content(image) {
  const name = make('p', {class: 'name', title: image.name}, image.name);
  if (image.error) return [name, make('p', {class: 'error'}, image.error.message)];
  if (!image.answer) return [name, make('p', {class: 'about'}, image.isQueued ? 'Waiting …' : 'Not classified')];
  const {answer} = image;
  return [
    name,
    make('ul', {class: 'bars', 'aria-label': `Most probable classes of ${image.name}`}, ...answer.top.map((one) => bar(image, one))),
    make('div', {class: 'foot'},
      make('p', {class: 'about'}, ...[`${Math.round(image.milliseconds)} ms`, answer.model, answer.version].map((text) => make('span', {}, text))),
      make('button', {
        type: 'button', class: 'small', onclick: () => listeners.why(image, answer.index), 'aria-label': `Why? ${answer.class}, ${image.name}`,
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
const answersCSV = () => csv([
  ['file', 'folder', 'class', 'probability', 'index', 'model', 'version', 'error'],
  ...images.map(({name, folders, answer, error}) => [
    name, folders.at(-1), answer?.class, answer?.probability, answer?.index, answer?.model, answer?.version, error?.message,
  ]),
]);

byID('stop').addEventListener('click', stop);
byID('resume').addEventListener('click', resume);
byID('clear').addEventListener('click', clear);
byID('save').addEventListener('click', () => save('predictions.csv', answersCSV()));
