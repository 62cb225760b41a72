// What a page does beyond being read: everything on it is there without this script.
import { keepLive } from "./live.js";
import { LogView, localTimes } from "./log-view.js";

document.documentElement.classList.add("scripted");

document.addEventListener("submit", (event) => {
  const question = event.target.dataset.confirm;
  if (question !== undefined && !window.confirm(question)) event.preventDefault();
});

const log = document.getElementById("log");
const logView = log === null ? null : new LogView(log, document.getElementById("follow"));
localTimes(document);

const path = document.getElementById("main").dataset.live;
if (path !== undefined) keepLive(path, logView);
