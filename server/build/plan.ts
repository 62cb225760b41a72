/** The build plan of the Buildpack API: who provides what, who requires it (buildpack spec, "Phase #1: Detection"). */
export interface Require {
  readonly name: string;
  readonly metadata: Readonly<Record<string, unknown>>;
}

export interface PlanSections {
  readonly provides: readonly string[];
  readonly requires: readonly Require[];
}

/** A buildpack that passed detection. `alternatives`: its plan and then each [[or]], first choice first. */
export interface Candidate<Element> {
  readonly element: Element;
  readonly optional: boolean;
  readonly alternatives: readonly PlanSections[];
}

/** What one name of the plan stands for once all is settled. */
export interface PlanEntry<Element> {
  readonly name: string;
  readonly providers: readonly Element[];
  readonly requires: readonly Require[];
}

export interface ResolvedPlan<Element> {
  readonly elements: readonly Element[];
  readonly entries: readonly PlanEntry<Element>[];
}

interface Choice<Element> {
  readonly element: Element;
  readonly optional: boolean;
  readonly sections: PlanSections;
}

/**
 * The first combination of alternatives, leftmost buildpack varying slowest, in which everything required is provided by
 * the same or an earlier buildpack and everything provided is required. Optional buildpacks that stand in the way are
 * dropped. Null when there is none, or when no buildpack would be left.
 */
export function resolvePlan<Element>(
  candidates: readonly Candidate<Element>[],
): ResolvedPlan<Element> | null {
  return tryFrom([], candidates);
}

function tryFrom<Element>(
  chosen: readonly Choice<Element>[],
  candidates: readonly Candidate<Element>[],
): ResolvedPlan<Element> | null {
  const [first, ...rest] = candidates;
  if (first === undefined) return settle(chosen);
  for (const [index, sections] of first.alternatives.entries()) {
    // Only the last alternative may be given up: before that, the next one is tried.
    const optional = first.optional && index === first.alternatives.length - 1;
    const resolved = tryFrom([...chosen, { element: first.element, optional, sections }], rest);
    if (resolved !== null) return resolved;
  }
  return null;
}

function settle<Element>(choices: readonly Choice<Element>[]): ResolvedPlan<Element> | null {
  if (choices.length === 0) return null;
  const { entries, unmet } = match(choices);
  if (unmet.size === 0) return { elements: choices.map(({ element }) => element), entries };
  if ([...unmet].some(({ optional }) => !optional)) return null;
  return settle(choices.filter((choice) => !unmet.has(choice)));
}

function match<Element>(choices: readonly Choice<Element>[]) {
  const unmet = new Set<Choice<Element>>();
  const names = new Map<
    string,
    { unused: Choice<Element>[]; providers: Choice<Element>[]; requires: Require[] }
  >();
  const entry = (name: string) => {
    const known = names.get(name) ?? { unused: [], providers: [], requires: [] };
    names.set(name, known);
    return known;
  };
  for (const choice of choices) {
    for (const name of choice.sections.provides) entry(name).unused.push(choice);
    for (const require of choice.sections.requires) {
      const known = entry(require.name);
      known.providers.push(...known.unused.splice(0));
      if (known.providers.length === 0) unmet.add(choice);
      else known.requires.push(require);
    }
  }
  const entries: PlanEntry<Element>[] = [];
  for (const [name, { unused, providers, requires }] of names) {
    for (const choice of unused) unmet.add(choice);
    entries.push({ name, providers: providers.map(({ element }) => element), requires });
  }
  return { entries, unmet };
}
