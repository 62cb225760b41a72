// Keeps an open page true: takes the server's events and puts their HTML, escaped by the server's templates, in place.
import { localTimes } from "./log-view.js";

const retryMs = 2000;

/** Listens at `path` until the server says that there is nothing more to come. */
export function keepLive(path, logView) {
  const status = document.getElementById("connection");
  let source = null;
  let retry = null;

  const open = () => {
    const after = logView === null ? "" : `?after=${encodeURIComponent(logView.lastId)}`;
    source = new EventSource(path + after);
    source.addEventListener("open", () => (status.textContent = ""));
    source.addEventListener("fragment", (event) => replaceFragment(JSON.parse(event.data)));
    source.addEventListener("line", (event) => logView?.add(JSON.parse(event.data), event.lastEventId));
    source.addEventListener("end", () => {
      close();
      logView?.end();
      document.removeEventListener("visibilitychange", followVisibility);
    });
    source.addEventListener("error", () => {
      status.textContent = "Connection lost, trying again…";
      // A network error is retried by the browser itself; an answer that is no event stream is not.
      if (source.readyState === EventSource.CLOSED) retry = setTimeout(reopen, retryMs);
    });
  };
  const close = () => {
    clearTimeout(retry);
    source.close();
  };
  const reopen = async () => {
    if (await isGone()) window.location.reload();
    else open();
  };
  // A browser keeps six connections to a server: pages nobody looks at must not hold them. What came meanwhile is
  // fetched when the page is looked at again.
  const followVisibility = () => {
    close();
    if (document.visibilityState === "visible") open();
  };
  document.addEventListener("visibilitychange", followVisibility);
  // Before the browser leaves, so that it does not report a lost connection.
  window.addEventListener("pagehide", close);
  window.addEventListener("pageshow", (event) => event.persisted && followVisibility());
  open();
}

/** Whether the session ended or the app is not there any more. */
async function isGone() {
  try {
    const answer = await fetch(window.location.href, { method: "HEAD" });
    return answer.status === 401 || answer.status === 404;
  } catch {
    return false;
  }
}

function replaceFragment({ id, html }) {
  const target = document.getElementById(id);
  const fresh = document.createElement("template");
  fresh.innerHTML = html;
  if (target === null || target.dataset.shown === html || target.innerHTML.trim() === fresh.innerHTML.trim())
    return;
  target.dataset.shown = html;
  const focused = target.contains(document.activeElement) ? document.activeElement.id : "";
  localTimes(fresh.content);
  target.replaceChildren(fresh.content);
  if (focused !== "") document.getElementById(focused)?.focus({ preventScroll: true });
}
