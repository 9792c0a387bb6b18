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
let isLooking = false;
/** The description of the model as it is on the page. */
let shown = '';

const chosen = () => models.find((model) => model.name === select.value);

async function lookAtModels() {
  if (isLooking) return;
  isLooking = true;
  try {
    const listing = await api.models();
    if (!isReachable) tell('The server answers again.', {seconds: 8});
    isReachable = true;
    take(listing);
    results.resumeAfterLoss();
  } catch (error) {
    if (isReachable) tell(error.message, {isBad: true});
    isReachable = false;
  } finally {
    isLooking = false;
  }
}

const optionText = ({name, ready}) => (ready ? name : `${name} (not ready)`);

function take(listing) {
  const before = models;
  models = listing.models;
  defaultModel = listing.default;
  const names = models.map((model) => model.name);
  const texts = models.map(optionText);
  if (texts.join('\n') !== [...select.options].map((option) => option.text).join('\n')) {
    const wanted = names.includes(select.value) ? select.value : listing.default ?? names[0];
    select.replaceChildren(...models.map((model, index) => make('option', {value: model.name}, texts[index])));
    if (wanted !== undefined) select.value = wanted;
    choose();
  }
  showModel();
  noticeReloads(before);
}

function noticeReloads(before) {
  for (const model of models) {
    const old = before.find((one) => one.name === model.name);
    if (!old?.version || !model.version || old.version === model.version) continue;
    tell(`The weights of ${model.name} were replaced: ${old.version} → ${model.version}.`);
    if (model.name === select.value) lookAtClasses();
  }
}

function showModel() {
  const model = chosen();
  if (!model) {
    shown = '';
    byID('model-facts').textContent = 'There is no model yet.';
    return;
  }
  const facts = model.ready
    ? [
      model.architecture, count(model.classes, 'class', 'classes'), `input ${model.input.slice(1).join('×')}${model.input[0] === 1 ? ', grey' : ''}`,
      model.precision, `${count(model.parameters)} parameters`, `version ${model.version}`, `loaded ${new Date(model.loaded_at).toLocaleString()}`,
    ]
    : [`It is not ready: ${model.reason ?? 'it is being loaded'}.`];
  const remarks = [
    ...(model.ready && model.reason ? [`Newer files were refused: ${model.reason}. The loaded version stays.`] : []),
    ...(model.assumptions ?? []).map((remark) => `${remark}.`),
  ];
  // Written only when it changes: a selection in the text stays.
  const text = JSON.stringify([facts, remarks]);
  if (text === shown) return;
  shown = text;
  byID('model-facts').replaceChildren(...facts.map((fact) => make('span', {}, fact)));
  byID('model-remarks').hidden = remarks.length === 0;
  byID('model-remarks').replaceChildren(...remarks.map((remark) => make('li', {}, remark)));
}

function choose() {
  const model = chosen();
  if (!model) return;
  showModel();
  snippets.show(model.name);
  results.setModel(model.name);
  lookAtClasses();
}

async function lookAtClasses() {
  labels = [];
  if (select.value !== defaultModel) return;
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
  lost: lookAtModels,
  changed: () => evaluation.show(null),
  finished: () => evaluation.show(evaluation.evaluate(results.images, labels, chosen()?.classes), ask),
});
gather(results.add, (reason) => tell(reason, {isBad: true}));
select.addEventListener('change', choose);

await lookAtModels();
setInterval(() => {
  if (!document.hidden) lookAtModels();
}, interval);
live.start();
training.start();
