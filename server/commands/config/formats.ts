import { columns } from "./pairs.ts";

type Vars = ReadonlyMap<string, string>;

/** A word that any shell reads as exactly `text`. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** A dotenv value as godotenv writes it: whole numbers bare, the rest in double quotes with what is special escaped. */
function dotenvValue(value: string): string {
  if (/^-?(0|[1-9]\d{0,17})$/.test(value)) return value;
  const escaped = value
    .replaceAll(/[\\"!$`]/g, String.raw`\$&`)
    .replaceAll("\n", String.raw`\n`)
    .replaceAll("\r", String.raw`\r`);
  return `"${escaped}"`;
}

const each = (vars: Vars, line: (name: string, value: string) => string) =>
  [...vars].map(([name, value]) => line(name, value));
const assign = (name: string, value: string) => `${name}=${quote(value)}`;

/** What `config:export --format` prints, by its name. */
export const formats: Readonly<Record<string, (vars: Vars) => string[]>> = {
  exports: (vars) => each(vars, (name, value) => `export ${assign(name, value)}`),
  envfile: (vars) => each(vars, (name, value) => `${name}=${dotenvValue(value)}`),
  json: (vars) => [JSON.stringify(Object.fromEntries(vars))],
  "json-list": (vars) => [JSON.stringify([...vars].map(([name, value]) => ({ name, value })))],
  shell: (vars) => [each(vars, assign).join(" ")],
  "docker-args": (vars) => [each(vars, (name, value) => `--env=${assign(name, value)}`).join(" ")],
  "docker-args-keys": (vars) => [each(vars, (name) => `--env=${name}`).join(" ")],
  "pack-keys": (vars) => [each(vars, (name) => `--env ${name}`).join(" ")],
  pretty: columns,
};
