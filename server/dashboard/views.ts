import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import Handlebars from "handlebars";

export interface Views {
  /** A whole page out of pages/. */
  page(name: string, model: object): string;
  /** A part of one out of partials/, for updates of an open page. */
  partial(name: string, model: object): string;
}

/** Reads every template at start: one that cannot be parsed, or names a field that is not there, is an error and not a gap. */
export function loadViews(directory: string): Views {
  const handlebars = Handlebars.create();
  const compile = (folder: string) =>
    new Map(
      readdirSync(join(directory, folder))
        .filter((file) => file.endsWith(".hbs"))
        .map((file) => {
          const template = handlebars.parse(readFileSync(join(directory, folder, file), "utf8"));
          return [
            file.slice(0, -".hbs".length),
            handlebars.compile(template, { strict: true, preventIndent: true }),
          ];
        }),
    );
  const pages = compile("pages");
  const partials = compile("partials");
  for (const [name, template] of [...compile("layouts"), ...partials]) {
    handlebars.registerPartial(name, template);
  }
  const render = (templates: typeof pages, name: string, model: object) => {
    const template = templates.get(name);
    if (template === undefined) throw new Error(`no view named ${name}`);
    return template(model);
  };
  return {
    page: (name, model) => render(pages, name, model),
    partial: (name, model) => render(partials, name, model),
  };
}
