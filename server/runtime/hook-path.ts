/** The pre-receive hook of git repositories, a program of native/. */
export { hookPath } from "../../native/index.ts";
