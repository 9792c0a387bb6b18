// Explains an answer: where the network saw the class, what it saw at all, and what its first layer made of it.

import * as api from './api.js';
import {byID, make, percent} from './dom.js';

const dialog = byID('why');
const scale = [[13, 8, 135], [126, 3, 168], [204, 71, 120], [248, 149, 64], [240, 249, 33]];
let asked = 0;

/** The colour of a number from 0 to 1: dark violet over red to yellow. */
function colour(value) {
  const place = Math.min(Math.max(value, 0), 1) * (scale.length - 1);
  const first = Math.min(Math.floor(place), scale.length - 2);
  return scale[first].map((low, channel) => low + (scale[first + 1][channel] - low) * (place - first));
}

/** Opens the explanation of a class for an image. */
export async function open(image, model, index) {
  asked += 1;
  const ticket = asked;
  byID('why-heading').textContent = 'Why?';
  byID('why-content').replaceChildren(make('p', {role: 'status'}, 'The network is asked …'));
  if (!dialog.open) dialog.showModal();
  try {
    const answer = await api.explain(model, image.file, index);
    const seen = await picture(answer.input.image);
    if (ticket === asked) show(answer, seen, image);
  } catch (error) {
    if (ticket === asked) byID('why-content').replaceChildren(make('p', {class: 'error', role: 'alert'}, error.message));
  }
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
  const figures = [
    make('figure', {}, canvas,
      make('div', {class: 'legend', 'aria-hidden': 'true'}), make('div', {class: 'legend-ends', 'aria-hidden': 'true'}, make('span', {}, 'nothing'), make('span', {}, 'most')),
      make('p', {class: 'opacity'}, make('label', {for: 'why-opacity'}, 'Heat map'), slider),
      make('figcaption', {}, `What speaks for ${answer.class}, at ${answer.heatmap.layer} (Grad-CAM). ${describe(answer)}.`)),
    make('figure', {}, make('img', {src: answer.input.image, alt: `What the network saw of ${image.name}`, class: 'pixelated'}),
      make('figcaption', {}, `What the network saw: ${answer.input.width}×${answer.input.height} pixels. ${cropText(answer.crop)}`)),
  ];
  if (answer.activations?.image) {
    figures.push(make('figure', {}, make('img', {src: answer.activations.image, alt: `Outputs of ${answer.activations.layer}`}),
      make('figcaption', {}, `Outputs of the first layer, ${answer.activations.layer}: ${answer.activations.channels} channels.`)));
  }
  const filters = make('figure', {}, make('img', {src: api.filtersPath(answer.model), alt: 'Filters of the first layer', class: 'pixelated', onerror: () => filters.remove()}),
    make('figcaption', {}, 'Filters of the first layer.'));
  figures.push(filters);
  byID('why-content').replaceChildren(make('div', {class: 'why-images'}, ...figures));
  paint();
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
  return share > 0.999 ? 'The whole image.' : `The middle ${percent(share)} of the image; the rest is cut off.`;
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
