/** A box of log lines that follows the newest one until its reader scrolls up. */
export class LogView {
  #box;
  #button;
  #limit;
  #following = true;
  #waiting = [];
  #unseen = 0;

  constructor(box, button) {
    this.#box = box;
    this.#button = button;
    this.#limit = Number(box.dataset.limit);
    this.lastId = box.dataset.lastId;
    button?.addEventListener("click", () => this.#setFollowing(!this.#following));
    box.addEventListener("scroll", () => this.#readScroll(), { passive: true });
    this.#scrollToEnd();
  }

  /** Takes one line; lines that come in a burst are put in together. */
  add(html, id) {
    this.lastId = id;
    this.#waiting.push(html);
    if (this.#waiting.length === 1) requestAnimationFrame(() => this.#putIn());
  }

  /** No line comes any more. */
  end() {
    this.#button?.remove();
    this.#button = null;
  }

  #putIn() {
    const lines = document.createElement("template");
    lines.innerHTML = this.#waiting.slice(-this.#limit).join("");
    localTimes(lines.content);
    this.#unseen = this.#following ? 0 : this.#unseen + this.#waiting.length;
    this.#waiting = [];
    this.#box.append(lines.content);
    // A paused reader's lines stay where they are for longer, but not without end.
    const most = this.#following ? this.#limit : this.#limit * 5;
    while (this.#box.childElementCount > most) this.#box.firstElementChild.remove();
    if (this.#following) this.#scrollToEnd();
    this.#showState();
  }

  #scrollToEnd() {
    this.#box.scrollTop = this.#box.scrollHeight;
  }

  #readScroll() {
    const { scrollTop, scrollHeight, clientHeight } = this.#box;
    const atEnd = scrollHeight - scrollTop - clientHeight < 8;
    if (atEnd !== this.#following) this.#setFollowing(atEnd);
  }

  #setFollowing(following) {
    this.#following = following;
    if (following) {
      this.#unseen = 0;
      this.#scrollToEnd();
    }
    this.#showState();
  }

  #showState() {
    if (this.#button === null) return;
    const paused = this.#unseen === 0 ? "Follow" : `Follow (${this.#unseen} new)`;
    this.#button.textContent = this.#following ? "Following" : paused;
    this.#button.setAttribute("aria-pressed", String(this.#following));
  }
}

/** Shows times in the reader's own time zone; the server does not know it and writes UTC. */
export function localTimes(root) {
  for (const time of root.querySelectorAll("time")) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    time.title = at.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "long" });
    if (time.closest(".line") !== null)
      time.textContent = at.toLocaleTimeString(undefined, { hour12: false });
  }
}
