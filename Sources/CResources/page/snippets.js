// The lines to copy for a model at this server's own address.

import {encoded} from './api.js';
import {byID, make} from './dom.js';

const base = new URL('.', location.href).href.replace(/\/$/, '');

const languages = {
  curl: (path) => `curl -F image=@photo.jpg '${base}/${path}?top=3'`,
  Python: (path) => `import requests

with open("photo.jpg", "rb") as photo:
    answer = requests.post("${base}/${path}", files={"image": photo}, params={"top": 3})
answer.raise_for_status()
print(answer.json()["class"], answer.json()["probability"])`,
  JavaScript: (path) => `const form = new FormData();
form.append("image", file);  // a File, of an <input type="file"> for instance
const response = await fetch("${base}/${path}?top=3", {method: "POST", body: form});
const answer = await response.json();
console.log(answer.class, answer.probability);`,
};

let chosen = 'curl';

/** Shows the lines for a model. */
export function show(model) {
  const path = `v1/models/${encoded(model)}/predict`;
  const text = languages[chosen](path);
  const status = make('span', {class: 'visually-hidden', role: 'status'});
  const copy = make('button', {type: 'button', class: 'small', id: 'copy'}, 'Copy');
  copy.addEventListener('click', async () => {
    const isCopied = await copyText(text);
    copy.textContent = isCopied ? 'Copied' : 'Select it';
    status.textContent = isCopied ? 'Copied' : 'Copying is not permitted here; the text can be selected.';
    setTimeout(() => { copy.textContent = 'Copy'; }, 2000);
  });
  const tabs = make('div', {class: 'tabs', role: 'tablist', 'aria-label': 'Language'}, ...Object.keys(languages).map((language) => make('button', {
    type: 'button', class: 'small', role: 'tab', 'aria-selected': String(language === chosen), 'aria-controls': 'snippet', tabindex: language === chosen ? 0 : -1,
    onclick: () => choose(language, model), onkeydown: (event) => move(event, language, model),
  }, language)));
  byID('snippets').replaceChildren(make('div', {class: 'snippet-head'}, tabs, copy),
    make('div', {class: 'snippet', id: 'snippet', role: 'tabpanel', 'aria-label': chosen}, make('pre', {tabindex: 0}, make('code', {}, text))), status);
}

function choose(language, model) {
  chosen = language;
  show(model);
  byID('snippets').querySelector('[aria-selected="true"]').focus();
}

/** Arrow keys move between the tabs. */
function move(event, language, model) {
  const step = {ArrowRight: 1, ArrowLeft: -1}[event.key];
  if (!step) return;
  event.preventDefault();
  const names = Object.keys(languages);
  choose(names[(names.indexOf(language) + step + names.length) % names.length], model);
}

async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Without HTTPS only this machine may use the clipboard; the old way works everywhere.
    const area = make('textarea', {class: 'visually-hidden', 'aria-hidden': 'true'});
    area.value = text;
    document.body.append(area);
    area.select();
    const isCopied = document.execCommand('copy');
    area.remove();
    return isCopied;
  }
}
