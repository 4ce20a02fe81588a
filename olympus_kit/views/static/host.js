// The static host: one custom element for each version of a front-end module, so that a page
// without a kernel (the book, a saved notebook) runs the same code as the live widget.
// Python fills in the tag and the module, which returns what it would export. The code stands in
// the script itself, since some hosts forbid to import or to evaluate what a script has made.
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
    __FRONT__;
  }

  customElements.define(
    TAG,
    class extends HTMLElement {
      async connectedCallback() {
        this.model ??= unpack(this.dataset.state).then((state) => new StaticModel(state));
        const model = await this.model;
        // unpacking takes a moment: the element may be gone by now, or drawn already
        if (!this.isConnected || this.cleanUp) return;
        this.replaceChildren(); // the picture was for readers without script
        this.cleanUp = front().render({ model, el: this }) ?? (() => {});
      }

      // A cell that runs again takes its output off the page; no listener, timer or observer of
      // it may stay. An element that is only moved to another place is drawn anew there, at the
      // step that its model remembers.
      disconnectedCallback() {
        this.cleanUp?.();
        this.cleanUp = null;
      }
    },
  );
})();
