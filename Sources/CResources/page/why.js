// Explains an answer: where the network saw the class, what it saw at all, and what its first layer made of it.

import * as api from './api.js';
import {byID, count, make, percent} from './dom.js';

const dialog = byID('why');
const scale = [[13, 8, 135], [126, 3, 168], [204, 71, 120], [248, 149, 64], [240, 249, 33]];
let asking = new AbortController();

/** The colour of a number from 0 to 1: dark violet over red to yellow. */
function colour(value) {
  const place = Math.min(Math.max(value, 0), 1) * (scale.length - 1);
  const first = Math.min(Math.floor(place), scale.length - 2);
  return scale[first].map((low, channel) => low + (scale[first + 1][channel] - low) * (place - first));
}

/** Opens the explanation of a class for an image. */
export async function open(image, model, index) {
  asking.abort();
  asking = new AbortController();
  const {signal} = asking;
  const content = byID('why-content');
  if (!dialog.open) {
    byID('why-heading').textContent = 'Why?';
    content.replaceChildren(make('p', {class: 'hint', role: 'status'}, 'The network is asked …'));
    dialog.showModal();
  }
  offer(image, model, index);
  // What is shown stays until the next explanation is there.
  content.setAttribute('aria-busy', 'true');
  try {
    const answer = await api.explain(model, image.file, index, signal);
    const seen = await picture(answer.input.image);
    if (!signal.aborted) show(answer, seen, image);
  } catch (error) {
    if (!signal.aborted) content.replaceChildren(make('p', {class: 'error', role: 'alert'}, error.message));
  }
  if (!signal.aborted) content.removeAttribute('aria-busy');
}

/** Offers the image's most probable classes; the one that is explained is pressed. */
function offer(image, model, index) {
  const candidates = image.answer?.top ?? [];
  const buttons = candidates.map((candidate) => make('button', {
    type: 'button', class: 'small', 'aria-pressed': String(candidate.index === index), onclick: () => open(image, model, candidate.index),
  }, `${candidate.class} ${percent(candidate.probability)}`));
  const hadFocus = byID('why-classes').contains(document.activeElement);
  byID('why-classes').replaceChildren(...buttons);
  if (hadFocus) buttons[candidates.findIndex((candidate) => candidate.index === index)]?.focus();
}

async function picture(url) {
  const image = new Image();
  image.src = url;
  await image.decode();
  return image;
}

function show(answer, seen, image) {
  byID('why-heading').textContent = `Why ${answer.class}, ${percent(answer.probability)}?`;
  const canvas = make('canvas', {width: 448, height: Math.round(448 * answer.input.height / answer.input.width), role: 'img', 'aria-label': describe(answer)});
  const slider = make('input', {type: 'range', min: 0, max: 100, value: 60, id: 'why-opacity'});
  const paint = () => paintMap(canvas, answer.heatmap, seen, slider.value / 100);
  slider.addEventListener('input', paint);
  const figure = (title, text, ...parts) => make('figure', {}, ...parts, make('figcaption', {}, make('strong', {}, title), ` ${text}`));
  const {activations} = answer;
  const filters = figure('Its filters.', 'What the first layer looks for, the same for every image.', make('img', {
    src: api.filtersPath(answer.model), alt: 'Filters of the first layer', class: 'pixelated', onerror: () => filters.remove(),
  }));
  byID('why-content').replaceChildren(make('div', {class: 'why-images'}, ...[
    figure(`What speaks for ${answer.class}.`, `${describe(answer)}. Grad-CAM at ${answer.heatmap.layer}.`, canvas,
      make('div', {class: 'heat-controls'},
        make('div', {'aria-hidden': 'true'}, make('div', {class: 'legend'}), make('div', {class: 'legend-ends'}, make('span', {}, 'nothing'), make('span', {}, 'most'))),
        make('div', {class: 'opacity'}, make('label', {for: 'why-opacity'}, 'Opacity'), slider))),
    figure('What the network saw.', `${answer.input.width}×${answer.input.height} pixels. ${cropText(answer.crop)}`,
      make('img', {src: answer.input.image, alt: `What the network saw of ${image.name}`, class: 'pixelated'}), cropView(answer.crop, image)),
    activations?.image ? figure('What the first layer made of it.', `${count(activations.channels, 'channel')} of ${activations.layer}.`,
      make('img', {src: activations.image, alt: `Outputs of ${activations.layer}`})) : null,
    filters,
  ].filter(Boolean)));
  paint();
}

const isWhole = (crop) => crop.width * crop.height > 0.999 * crop.image_width * crop.image_height;

/** The image with the part that the network saw framed; nothing if that is all of it. */
function cropView(crop, image) {
  if (!crop || isWhole(crop)) return null;
  const frame = make('span', {class: 'frame'});
  const share = (length, whole) => `${100 * length / whole}%`;
  Object.assign(frame.style, {
    left: share(crop.x, crop.image_width), top: share(crop.y, crop.image_height),
    width: share(crop.width, crop.image_width), height: share(crop.height, crop.image_height),
  });
  image.url ??= URL.createObjectURL(image.file);
  return make('div', {class: 'crop'}, make('img', {src: image.url, alt: 'The whole image, with the part that the network saw framed'}), frame);
}

/** Where the map is strongest, in words. */
function describe({heatmap: {values, width, height}}) {
  let best = {value: 0, x: 0, y: 0};
  values.forEach((row, y) => row.forEach((value, x) => {
    if (value > best.value) best = {value, x, y};
  }));
  if (best.value === 0) return 'Nothing in the image speaks for it';
  const third = (place, length, names) => names[Math.min(2, Math.floor(3 * (place + 0.5) / length))];
  const row = third(best.y, height, ['upper', 'middle', 'lower']);
  const column = third(best.x, width, ['left', 'centre', 'right']);
  return `Strongest in the ${row === 'middle' && column === 'centre' ? 'centre' : `${row} ${column}`}`;
}

function cropText(crop) {
  if (!crop) return '';
  const share = crop.width * crop.height / (crop.image_width * crop.image_height);
  return isWhole(crop) ? 'The whole image.' : `The middle ${percent(share)} of the image; the rest is cut off.`;
}

/** Paints the map over the image, smoothly: the canvas interpolates between the map's values. */
function paintMap(canvas, {values, width, height}, seen, opacity) {
  const map = make('canvas', {width, height});
  const pixels = new ImageData(width, height);
  values.flat().forEach((value, place) => {
    pixels.data.set([...colour(value), 255 * Math.sqrt(value)], 4 * place);
  });
  map.getContext('2d').putImageData(pixels, 0, 0);
  const context = canvas.getContext('2d');
  context.imageSmoothingQuality = 'high';
  context.globalAlpha = 1;
  context.drawImage(seen, 0, 0, canvas.width, canvas.height);
  context.globalAlpha = opacity;
  context.drawImage(map, 0, 0, canvas.width, canvas.height);
}

dialog.addEventListener('click', (event) => {
  if (event.target === dialog) dialog.close();
});

dialog.addEventListener('close', () => asking.abort());
