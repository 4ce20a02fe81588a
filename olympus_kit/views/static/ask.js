// Questions: what a figure asks before it shows, what each answer is told, and what the browser
// remembers. Nothing is sent anywhere.
//
//   const one = createQuestion(question, { number, answer, onAnswer })
//   one.element              what is asked, with buttons for the answers or a field for a number
//   one.pick(k)              give the answer number k, as the key k does
//   one.answered()           whether the right answer was given or shown
//   onAnswer(text, right)    is called with every answer
//
//   const shelf = createShelf(chapter)   the answers of a chapter, kept under its name
//   shelf.read(), shelf.write(answers), shelf.forget()

const ASK_STYLE = `
.okl .question { border:0; border-left:4px solid var(--primal); margin:.8rem 0;
  padding:.1rem 0 .1rem .8rem; min-width:0 }
.okl .question legend { padding:0; font-weight:600; max-width:60em; overflow-wrap:anywhere }
.okl .answers { display:grid; gap:.35rem; margin:.5rem 0; justify-items:start }
.okl .answers button { text-align:left; padding:.35rem .7rem; overflow-wrap:anywhere;
  max-width:100%; white-space:normal }
.okl .answers.lines { display:block; columns:15rem }
.okl .answers.lines button { border-radius:0; border-color:transparent; background:none; width:100%;
  break-inside:avoid }
.okl .answers.lines button:hover { border-color:var(--ink) }
.okl .answers button[data-answer=right] { border-color:var(--tangent);
  box-shadow:inset 4px 0 var(--tangent) }
.okl .answers button[data-answer=wrong] { border-color:var(--adjoint);
  box-shadow:inset 4px 0 var(--adjoint) }
.okl .typed { display:flex; flex-wrap:wrap; gap:.35rem; align-items:center }
.okl .typed input { min-height:44px; width:10rem; background:var(--soft);
  border:1px solid var(--muted); border-radius:8px; padding:0 .5rem }
.okl .told { min-height:1.5em; max-width:60em; margin:.2rem 0; overflow-wrap:anywhere }
.okl .told a { color:var(--primal) }
.okl[data-asking] .later code { visibility:hidden }
.okl[data-asking] :is(.summary, .meters, details) { display:none }
.okl[data-asking] .dock { position:static }
@media print {
  .okl .answers button { display:block !important; border:0; padding:.1rem 0; min-height:0;
    background:none }
  .okl fieldset .typed::after { content:""; width:10rem; height:1.6em; border-bottom:1px solid }
  .okl .answers button::before { content:"☐ " }
}
@media (forced-colors:active) { .okl .answers button[data-answer] { outline:2px solid Highlight } }
`;

/** @typedef {{ text: string, why: string, right: boolean, value: number }} Choice */
/**
 * @typedef {object} Question
 * @property {string} name
 * @property {string} ask
 * @property {Choice[]} choices
 * @property {"choice" | "line" | "number" | "shape"} kind
 * @property {string} otherwise
 * @property {number} tolerance
 * @property {string} read
 * @property {string} section
 * @property {number} step
 */
/** @typedef {Record<string, { text: string, right: boolean }>} Answers */
/** @typedef {(text: string, right: boolean) => any} OnAnswer */

const FEW_LINES = 6; // answers that stand below one another

// `code` between backticks and *stress* between stars, as in Markdown
/** @param {string} text */
function withCode(text) {
  /** @param {string} part */
  const stressed = (part) =>
    part.split("*").map((words, k) => (k % 2 ? make("em", {}, words) : words));
  return text.split("`").flatMap((part, k) => (k % 2 ? make("code", {}, part) : stressed(part)));
}

// The answer that a typed number or shape is; undefined where nobody foresaw it, null for neither.
/** @type {(question: Question, text: string) => Choice | null | undefined} */
function typedChoice({ kind, choices, tolerance }, text) {
  if (kind === "shape") {
    if (!/^[\d,()[\]\s]+$/.test(text)) return null;
    const sizes = (/** @type {string} */ shape) => (shape.match(/\d+/g) ?? []).join();
    return choices.find((choice) => sizes(choice.text) === sizes(text));
  }
  const [above, below = "1"] = text.replace("−", "-").replaceAll(",", "").split("/");
  const number = Number(above || NaN) / Number(below || NaN);
  if (!Number.isFinite(number)) return null;
  const near = (/** @type {Choice} */ { value }) =>
    Math.abs(number - value) <=
      Math.max(tolerance * Math.max(Math.abs(value), Math.abs(number)), 1e-12);
  return choices.find(near);
}

// Where to read: a link where the place is on this page.
/** @param {Question} question */
function readAgain({ read, section }) {
  if (!section) return [];
  const place = document.querySelector(`[id="${CSS.escape(read)}"]`);
  const link = place && make("a", { href: `#${read}` }, ...withCode(section));
  return [" Read: ", link ?? `“${section}”`, "."];
}

/**
 * @param {Question} question
 * @param {{ number?: number, answer?: string, onAnswer: OnAnswer }} options
 */
function createQuestion(question, { number, answer, onAnswer }) {
  const { kind, choices } = question;
  const isTyped = kind === "number" || kind === "shape";
  const told = make("p", { class: "told", role: "status" });
  let isAnswered = false;

  /** @type {(choice: Choice | undefined, text: string) => boolean} */
  function tell(choice, text) {
    const isRight = Boolean(choice?.right);
    isAnswered ||= isRight;
    const why = choice ? choice.why : question.otherwise;
    const place = isRight ? [] : readAgain(question);
    told.replaceChildren(
      make("strong", {}, isRight ? "✓ Right. " : "✗ Not this. "),
      ...withCode(why),
      ...place,
    );
    for (const [k, button] of buttons.entries()) {
      const picked = choices[k] === choice;
      button.setAttribute("aria-pressed", String(picked));
      if (picked) button.dataset.answer = isRight ? "right" : "wrong";
      else delete button.dataset.answer;
    }
    if (isTyped) field.value = text;
    return isRight;
  }
  /** @type {(choice: Choice | undefined, text: string) => void} */
  function give(choice, text) {
    onAnswer(text, tell(choice, text));
  }
  /** @param {number} k */
  const pick = (k) => !isTyped && choices[k - 1] && give(choices[k - 1], choices[k - 1].text);
  const buttons = isTyped ? [] : choices.map(({ text }, k) => {
    const words = kind === "line" ? make("code", {}, text) : withCode(text);
    const attributes = { type: "button", "aria-pressed": "false", onclick: () => pick(k + 1) };
    return make("button", attributes, words);
  });
  const example = kind === "shape" ? "(4, 3)" : "0.25";
  const field = make("input", {
    type: "text",
    "aria-label": `your answer: a ${kind}`,
    placeholder: example,
    autocomplete: "off",
    spellcheck: "false",
    onkeydown: (/** @type {KeyboardEvent} */ event) => event.key === "Enter" && type(),
  });
  function type() {
    const choice = typedChoice(question, field.value.trim());
    if (choice !== null) give(choice, field.value.trim());
    else told.replaceChildren(`Type a ${kind}, such as ${example}.`);
  }
  const typed = [field, make("button", { type: "button", onclick: type }, "Answer")];
  const element = make(
    "fieldset",
    { class: "question" },
    make("legend", {}, number ? `${number}. ` : "", withCode(question.ask)),
    isTyped
      ? make("div", { class: "typed" }, typed)
      : make("div", { class: choices.length > FEW_LINES ? "answers lines" : "answers" }, buttons),
    told,
  );
  if (answer) {
    const choice = isTyped
      ? typedChoice(question, answer)
      : choices.find(({ text }) => text === answer);
    if (isTyped || choice) tell(choice ?? undefined, answer);
  }
  return { element, pick, answered: () => isAnswered };
}

// Some hosts have no storage, or forbid it: then answers last as long as the page.
/** @param {string} chapter */
function createShelf(chapter) {
  const name = `olympus-quiz ${chapter}`;
  /** @returns {Answers} */
  function read() {
    try {
      return JSON.parse(localStorage.getItem(name) ?? "{}");
    } catch {
      return {};
    }
  }
  /** @param {Answers} answers */
  function write(answers) {
    try {
      localStorage.setItem(name, JSON.stringify(answers));
    } catch {
      return;
    }
    document.dispatchEvent(new CustomEvent("olympus-answers", { detail: chapter }));
  }
  return { read, write, forget: () => write({}) };
}

// The questions of a quiz, with what was answered before; other quizzes of the page, and the page
// itself, may forget the answers.
/** @param {{ questions: Question[], chapter: string }} quiz */
function createQuiz({ questions, chapter }) {
  const shelf = createShelf(chapter);
  const count = make("span", { role: "status" });
  const list = make("div");
  function show() {
    const answers = shelf.read();
    const done = questions.filter(({ name }) => answers[name]).length;
    const right = questions.filter(({ name }) => answers[name]?.right).length;
    count.textContent = `${done} of ${questions.length} answered, ${right} right.`;
  }
  function lay() {
    const answers = shelf.read();
    const elements = questions.map((question, k) => {
      /** @type {OnAnswer} */
      const onAnswer = (text, right) => {
        shelf.write({ ...shelf.read(), [question.name]: { text, right } });
        show();
      };
      const answer = answers[question.name]?.text;
      return createQuestion(question, { number: k + 1, answer, onAnswer }).element;
    });
    list.replaceChildren(...elements);
    show();
  }
  function forget() {
    const answers = shelf.read();
    for (const { name } of questions) delete answers[name];
    shelf.write(answers);
    lay();
  }
  lay();
  const bar = make("div", { class: "typed" }, count, " ");
  bar.append(make("button", { type: "button", onclick: forget }, "Forget my answers"));
  document.addEventListener("olympus-forget", lay);
  const destroy = () => document.removeEventListener("olympus-forget", lay);
  return { element: make("div", { onkeydown: keepKeys }, list, bar), destroy };
}

// What is asked before a figure shows anything hides the rest of it until it is answered.
/** @type {(root: Element, questions: Question[]) => void} */
function createVeil(root, questions) {
  /** @type {any[]} */
  const rest = [...root.children].slice(2); // after its style and its title
  const asked = make("div", { onkeydown: keepKeys });
  const give = make("button", { type: "button", onclick: lift }, "Show me");
  rest[0].before(asked, give);
  for (const element of rest) element.hidden = true;
  /** @type {(k: number) => void} */
  function ask(k) {
    if (k === questions.length) return lift();
    /** @type {OnAnswer} */
    const onAnswer = (_text, right) => right && asked.children.length === k + 1 && ask(k + 1);
    const one = createQuestion(questions[k], { number: 0, onAnswer });
    return asked.append(one.element);
  }
  function lift() {
    for (const element of rest) element.hidden = false;
    give.remove();
  }
  ask(0);
}
