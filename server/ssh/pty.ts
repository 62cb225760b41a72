import { StringDecoder } from "node:string_decoder";
import { Transform, Writable, type Duplex } from "node:stream";

const longestLine = 4096;
const [interrupt, endOfFile, backspace, erase] = ["\u0003", "\u0004", "\b", "\u007f"];

/** What a kernel's terminal does for a program (termios(3)), for clients that asked for one: their own is in raw mode. */
export interface Terminal {
  /** Whole lines, as the person finished them. */
  readonly stdin: Transform;
  /** Both outputs come out of the one terminal, each line feed with a carriage return (ONLCR). */
  readonly output: Writable;
}

export function openTerminal(channel: Duplex, onInterrupt: () => void): Terminal {
  const output = new Writable({
    decodeStrings: false,
    defaultEncoding: "utf8",
    write(chunk: string | Buffer, _encoding, done) {
      if (channel.write(chunk.toString().replaceAll("\n", "\r\n"))) done();
      else channel.once("drain", () => done());
    },
  });
  const stdin = new LineDiscipline((text) => void channel.write(text), onInterrupt);
  channel.pipe(stdin);
  return { stdin, output };
}

/** Echoes what is typed, lets the last character be erased, hands on lines (ICANON, ECHO, ICRNL, ISIG). */
class LineDiscipline extends Transform {
  readonly #echo: (text: string) => void;
  readonly #onInterrupt: () => void;
  readonly #decoder = new StringDecoder("utf8");
  #line: string[] = [];

  constructor(echo: (text: string) => void, onInterrupt: () => void) {
    super();
    this.#echo = echo;
    this.#onInterrupt = onInterrupt;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    for (const character of this.#decoder.write(chunk)) this.#take(character);
    done();
  }

  override _flush(done: () => void): void {
    this.push(this.#line.join(""));
    done();
  }

  #take(character: string): void {
    if (character === "\r" || character === "\n") {
      this.#echo("\r\n");
      this.push(`${this.#line.join("")}\n`);
      this.#line = [];
    } else if (character === backspace || character === erase) {
      if (this.#line.pop() !== undefined) this.#echo("\b \b");
    } else if (character === interrupt) {
      this.#echo("^C\r\n");
      this.#line = [];
      this.#onInterrupt();
    } else if (character === endOfFile) {
      // Hands on what there is; at the start of a line that is nothing: the end.
      if (this.#line.length === 0) this.end();
      else this.push(this.#line.splice(0).join(""));
    } else if (this.#line.length < longestLine) {
      this.#line.push(character);
      this.#echo(character);
    }
  }
}
