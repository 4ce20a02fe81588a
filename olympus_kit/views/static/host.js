// The static host: one custom element for each version of a front-end module, so that a page
// without a kernel (the book, a saved notebook) runs the same code as the live widget.
// Python fills in the tag and the module, which returns what it would export. The code stands in the script
// itself, since some hosts forbid to import or to evaluate what a script has made.
(() => {
  const TAG = "__TAG__";
  if (customElements.get(TAG)) return;

  // the part of anywidget's model that the front-ends use
  class StaticModel {
    constructor(state) {
      this.state = state;
      this.listeners = {};
    }
    get(key) {
      return this.state[key];
    }
    set(key, value) {
      if (this.state[key] === value) return;
      this.state[key] = value;
      for (const listener of this.listeners[`change:${key}`] ?? []) listener();
    }
    on(event, listener) {
      (this.listeners[event] ??= []).push(listener);
    }
    off(event, listener) {
      this.listeners[event] = (this.listeners[event] ?? []).filter((l) => l !== listener);
    }
    save_changes() {}
  }

  // The state is deflated JSON in base64.
  async function unpack(packed) {
    const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return JSON.parse(await new Response(stream).text());
  }

  function front() {
    __FRONT__
  }

  customElements.define(
    TAG,
    class extends HTMLElement {
      async connectedCallback() {
        if (this.started) return;
        this.started = true;
        const model = new StaticModel(await unpack(this.dataset.state));
        this.replaceChildren(); // the picture was for readers without script
        front().render({ model, el: this });
      }
    },
  );
})();
