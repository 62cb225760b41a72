/** A run of text in one look; `style` is a list of CSS classes, empty for plain text. */
export interface TextRun {
  readonly text: string;
  readonly style: string;
}

// CSI sequences, OSC strings, other escapes, then single control characters except tab (ECMA-48 5.3, 5.4, 5.6).
const control =
  // oxlint-disable-next-line no-control-regex
  /\x1b\[([0-?]*)[ -/]*([@-~])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]?|[\x00-\x08\x0a-\x1f\x7f-\x9f]/g;

interface Look {
  bold: boolean;
  dim: boolean;
  italic: boolean;
  underline: boolean;
  /** 0 to 15, null for the default colour. */
  colour: number | null;
}

const plain: Look = { bold: false, dim: false, italic: false, underline: false, colour: null };

/** Turns a line with terminal escapes into runs: colours and weights stay, every other escape and control character goes. */
export function terminalText(line: string): TextRun[] {
  const text = afterCarriageReturn(line);
  const runs: TextRun[] = [];
  let look = plain;
  let position = 0;
  const add = (part: string) => {
    if (part !== "") runs.push({ text: part, style: styleOf(look) });
  };
  for (const match of text.matchAll(control)) {
    add(text.slice(position, match.index));
    position = match.index + match[0].length;
    if (match[2] === "m") look = applied(look, match[1] ?? "");
  }
  add(text.slice(position));
  return runs;
}

/** A progress bar draws over its own line: the last drawing is what a terminal would show. */
function afterCarriageReturn(line: string): string {
  const text = line.replace(/\r+$/, "");
  return text.slice(text.lastIndexOf("\r") + 1);
}

/** SGR, ECMA-48 8.3.117; colours beyond the sixteen named ones are left at the default. */
function applied(before: Look, parameters: string): Look {
  let look = before;
  const codes = parameters.split(";").map(Number);
  for (let index = 0; index < codes.length; index += 1) {
    const code = codes[index] ?? 0;
    if (code === 38 || code === 48) {
      const named = codes[index + 1] === 5;
      const colour = codes[index + 2] ?? 16;
      if (named && code === 38 && colour < 16) look = { ...look, colour };
      index += named ? 2 : 4;
    } else look = withCode(look, code);
  }
  return look;
}

function withCode(look: Look, code: number): Look {
  if (code === 0) return plain;
  if (code === 1) return { ...look, bold: true };
  if (code === 2) return { ...look, dim: true };
  if (code === 3) return { ...look, italic: true };
  if (code === 4) return { ...look, underline: true };
  if (code === 22) return { ...look, bold: false, dim: false };
  if (code === 23) return { ...look, italic: false };
  if (code === 24) return { ...look, underline: false };
  if (code >= 30 && code <= 37) return { ...look, colour: code - 30 };
  if (code === 39) return { ...look, colour: null };
  if (code >= 90 && code <= 97) return { ...look, colour: code - 90 + 8 };
  return look;
}

function styleOf(look: Look): string {
  const names = (["bold", "dim", "italic", "underline"] as const).filter((name) => look[name]);
  return [...names, ...(look.colour === null ? [] : [`colour-${look.colour}`])].join(" ");
}
