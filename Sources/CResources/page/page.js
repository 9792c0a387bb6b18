// The page's beginning: the models, and what happens when one is chosen, an image is given, or an answer is asked about.

import * as api from './api.js';
import * as evaluation from './evaluation.js';
import * as live from './live.js';
import * as results from './results.js';
import * as snippets from './snippets.js';
import * as training from './training.js';
import * as why from './why.js';
import {byID, count, make, tell} from './dom.js';
import {gather} from './gather.js';

const select = byID('model-select');
/** How often the list of models is asked for, so that a reload is seen. */
const interval = 3000;
let models = [];
/** The names of the default model's classes; those of others are known from their answers. */
let labels = [];
let defaultModel = null;
let isReachable = true;

const chosen = () => models.find((model) => model.name === select.value);

async function lookAtModels() {
  let listing;
  try {
    listing = await api.models();
  } catch (error) {
    if (isReachable) tell(error.message, true);
    isReachable = false;
    return;
  }
  if (!isReachable) tell('The server answers again.');
  isReachable = true;
  noticeReloads(listing.models);
  models = listing.models;
  defaultModel = listing.default;
  const names = models.map((model) => model.name);
  if (names.join('\n') !== [...select.options].map((option) => option.value).join('\n')) {
    const wanted = names.includes(select.value) ? select.value : listing.default ?? names[0];
    select.replaceChildren(...names.map((name) => make('option', {value: name}, name)));
    if (wanted) select.value = wanted;
    choose();
  }
  showModel();
}

function noticeReloads(listed) {
  for (const model of listed) {
    const before = models.find((one) => one.name === model.name);
    if (before?.version && model.version && before.version !== model.version) {
      tell(`The weights of ${model.name} were replaced: ${before.version} → ${model.version}.`);
    }
  }
}

function showModel() {
  const model = chosen();
  if (!model) {
    byID('model-facts').textContent = 'There is no model yet.';
    return;
  }
  const facts = model.ready
    ? [
      model.architecture, count(model.classes, 'class', 'classes'), `input ${model.input.slice(1).join('×')}${model.input[0] === 1 ? ', grey' : ''}`,
      model.precision, `${count(model.parameters)} parameters`, `version ${model.version}`, `loaded ${new Date(model.loaded_at).toLocaleString()}`,
    ]
    : [model.reason ?? 'It is not loaded yet.'];
  const text = facts.join(' · ');
  if (byID('model-facts').textContent !== text) byID('model-facts').textContent = text;
  const remarks = model.assumptions ?? [];
  byID('model-remarks').hidden = remarks.length === 0;
  byID('model-remarks').replaceChildren(...remarks.map((remark) => make('li', {}, `${remark}.`)));
}

function choose() {
  const model = chosen();
  if (!model) return;
  showModel();
  snippets.show(model.name);
  results.setModel(model.name);
  labels = [];
  if (model.name === defaultModel) lookAtClasses();
}

async function lookAtClasses() {
  try {
    labels = Object.values(await api.classes());
  } catch {
    // The answers name the classes, too.
  }
}

const ask = (image, index) => why.open(image, image.answer?.model ?? select.value, index);

results.listen({
  why: ask,
  answered: (answer) => {
    const model = models.find((one) => one.name === answer.model);
    if (model && model.version !== answer.version) lookAtModels();
  },
  finished: () => evaluation.show(evaluation.evaluate(results.images, labels), ask),
});
gather(results.add, (reason) => tell(reason, true));
select.addEventListener('change', choose);

await lookAtModels();
setInterval(() => {
  if (!document.hidden) lookAtModels();
}, interval);
live.start();
training.start();
