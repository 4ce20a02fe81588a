// What the pages do beyond HTML: colours, copying, search, and where you are on the page.
// Without this file, and from a disk, everything can still be read.

const root = document.documentElement;
const find = (selector) => document.querySelector(selector);
const all = (selector) => [...document.querySelectorAll(selector)];

// Light or dark: the system's choice until the reader makes one.
const shade = find(".bk-bar .bk-shade");
const isDark = () =>
  (root.dataset.theme ||
    (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
const showShade = () => shade.setAttribute("aria-pressed", isDark());
shade.hidden = false;
shade.addEventListener("click", () => {
  root.dataset.theme = isDark() ? "light" : "dark";
  try {
    localStorage.setItem("theme", root.dataset.theme);
  } catch { /* private mode */ }
  showShade();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", showShade);
showShade();

// Copy: only where the browser lets us (a page from a disk may not).
if (navigator.clipboard) {
  for (const box of all(".bk-code")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "bk-copy";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      const code = box.querySelector("code").cloneNode(true);
      code.querySelectorAll(".linenos").forEach((number) => number.remove());
      await navigator.clipboard.writeText(code.textContent.trimEnd());
      button.textContent = "Copied";
      setTimeout(() => {
        button.textContent = "Copy";
      }, 1500);
    });
    box.append(button);
  }
}

// What scrolls sideways can be reached, and so scrolled, with the keyboard.
const scrollers = all(".bk-scroll, main pre, .bk-out.bk-rich");
const markScrollers = () => {
  for (const box of scrollers) {
    if (box.scrollWidth > box.clientWidth) {
      box.tabIndex = 0;
      if (!box.matches("pre")) box.setAttribute("role", "group");
    } else {
      box.removeAttribute("tabindex");
    }
  }
};
addEventListener("load", markScrollers);
// also where a fold opens, a font comes late or the window turns
const sizes = new ResizeObserver(markScrollers);
for (const box of scrollers) {
  for (const part of [box, ...box.children]) sizes.observe(part);
}

// On paper nothing can be opened.
addEventListener("beforeprint", () =>
  all("main details").forEach((fold) => {
    fold.open = true;
  }));

// The contents are longer than some screens: begin where this page stands in them.
const here = find("#contents [aria-current=page]");
if (here) {
  const side = find("#contents");
  const below = here.getBoundingClientRect().bottom - side.getBoundingClientRect().bottom;
  if (below > 0) side.scrollTop = below + side.clientHeight / 3;
}

// On this page: mark the section that is being read.
const links = new Map(all(".bk-side.bk-page a").map((link) => [link.hash.slice(1), link]));
const headings = [...links.keys()].map((id) => document.getElementById(decodeURIComponent(id)))
  .filter(Boolean);
const markSection = () => {
  const read = headings.filter((heading) => heading.getBoundingClientRect().top < innerHeight / 3)
    .pop();
  for (const [id, link] of links) {
    if (read && id === read.id) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
};
addEventListener("scroll", markSection, { passive: true });
markSection();

// How many of a chapter's questions have been answered, in this browser: each figure that asks
// keeps the answers under the chapter's name.
const forget = find(".bk-forget");
const answersOf = (chapter) => {
  try {
    return Object.keys(JSON.parse(localStorage.getItem(`olympus-quiz ${chapter}`)) ?? {}).length;
  } catch {
    return 0;
  }
};
const showAnswered = () => {
  let any = 0;
  for (const link of all("[data-quiz]")) {
    const answered = answersOf(link.dataset.quiz);
    any += answered;
    link.querySelector(".bk-answered")?.remove();
    if (!answered) continue;
    const note = document.createElement("small");
    note.className = "bk-answered";
    note.textContent = ` ${answered} of ${link.dataset.questions} answered`;
    link.append(note);
  }
  forget.hidden = !any;
};
forget.addEventListener("click", () => {
  for (const link of all("[data-quiz]")) {
    localStorage.removeItem(`olympus-quiz ${link.dataset.quiz}`);
  }
  document.dispatchEvent(new CustomEvent("olympus-forget"));
  showAnswered();
});
document.addEventListener("olympus-answers", showAnswered);
showAnswered();

// Search: pagefind's index lies beside the page and is read at the first search.
const dialog = find("dialog.bk-search");
const query = find("#query");
const hits = find("dialog.bk-search .bk-hits");
const count = find("dialog.bk-search .bk-count");
let engine = null; // a promise: words may be typed while it loads
let latest = 0;

const hit = (page, part) => {
  const item = document.createElement("li");
  const link = document.createElement("a");
  link.href = part.url;
  link.textContent = part.title === page.meta.title
    ? part.title
    : `${page.meta.title} · ${part.title}`;
  const excerpt = document.createElement("p");
  excerpt.innerHTML = part.excerpt; // pagefind escapes it and marks the words
  item.append(link, excerpt);
  return item;
};

// pagefind answers a word that it does not know with pages for the word's beginning
const knows = (page, words) => {
  const text = `${page.meta.title} ${page.content}`.toLowerCase();
  return words.toLowerCase().split(/\s+/).every((word) =>
    text.includes(word.slice(0, Math.max(3, word.length - 3)))
  );
};

const search = async () => {
  const mine = ++latest;
  const words = query.value.trim();
  if (!words) {
    hits.replaceChildren();
    count.textContent = "";
    return;
  }
  const found = await (await engine).debouncedSearch(words, {}, 120);
  if (!found || mine !== latest) return;
  const read = await Promise.all(found.results.slice(0, 8).map((result) => result.data()));
  if (mine !== latest) return;
  const pages = read.filter((page) => knows(page, words));
  hits.replaceChildren(
    ...pages.flatMap((page) => page.sub_results.slice(0, 3).map((part) => hit(page, part))),
  );
  const total = found.results.length - read.length + pages.length;
  count.textContent = total === 0
    ? "Found nowhere in the book."
    : total === 1
    ? "Found on one page."
    : `Found on ${total} pages.`;
};

const openSearch = () => {
  engine ??= import(new URL("pagefind/pagefind.js", document.baseURI));
  dialog.showModal();
  query.select();
  if (query.value) search();
};

if (location.protocol !== "file:") { // browsers load no index from a disk
  find(".bk-bar .bk-find").hidden = false;
  find(".bk-bar .bk-find").addEventListener("click", openSearch);
  query.addEventListener("input", search);
  query.form.addEventListener("submit", (event) => {
    event.preventDefault();
    hits.querySelector("a")?.focus();
  });
  find("dialog.bk-search .bk-close").addEventListener("click", () => dialog.close());
  hits.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => { // outside of it: on what the dialog covers
    const box = dialog.getBoundingClientRect();
    const inside = event.clientX >= box.left && event.clientX <= box.right &&
      event.clientY >= box.top && event.clientY <= box.bottom;
    if (event.target === dialog && !inside) dialog.close();
  });
  dialog.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const places = [query, ...hits.querySelectorAll("a")];
    const next = places.indexOf(document.activeElement) + step;
    places[Math.max(0, Math.min(next, places.length - 1))].focus();
  });
  addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
    if (event.key === "/" && !typing && !dialog.open) {
      event.preventDefault();
      openSearch();
    }
  });
}
