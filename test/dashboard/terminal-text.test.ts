import assert from "node:assert/strict";
import { terminalText } from "../../server/dashboard/terminal-text.ts";

describe("terminal text", () => {
  it("keeps colours and weights as classes", () => {
    assert.deepEqual(terminalText("a \x1b[1;31mred\x1b[22m thin\x1b[0m b \x1b[38;5;12mblue\x1b[39m"), [
      { text: "a ", style: "" },
      { text: "red", style: "bold colour-1" },
      { text: " thin", style: "colour-1" },
      { text: " b ", style: "" },
      { text: "blue", style: "colour-12" },
    ]);
  });

  it("reads past 256-colour and RGB codes without taking their numbers for others", () => {
    assert.deepEqual(terminalText("\x1b[38;2;1;31;4mx\x1b[48;5;1my"), [
      { text: "x", style: "" },
      { text: "y", style: "" },
    ]);
  });

  it("drops what moves the cursor, sets titles or rings", () => {
    const line = "\x1b[2J\x1b[Hone\x07 \x1b]0;title\x07two\x1b]8;;http://evil\x1b\\ three\x1bc\x00\x9b";
    assert.equal(
      terminalText(line)
        .map(({ text }) => text)
        .join(""),
      "one two three",
    );
  });

  it("shows the last drawing of a progress bar", () => {
    assert.deepEqual(terminalText("10%\r50%\r100%\r"), [{ text: "100%", style: "" }]);
  });
});
