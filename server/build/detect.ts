import type { OutputLine } from "../model/container.ts";
import { UserError } from "../model/error.ts";
import { parseBuildpackFile, readPlan } from "./buildpack-files.ts";
import type { Buildpack, Group } from "./buildpack.ts";
import { resolvePlan, type Candidate, type PlanSections, type ResolvedPlan } from "./plan.ts";
import { runStep, type BuildContext } from "./step.ts";
import { readUntrusted } from "./untrusted-files.ts";
import { buildpackDirectory, inside, type Workspace } from "./workspace.ts";

/** Exit status of a bin/detect that says: not for me. */
const notForMe = 100;

interface Detection {
  /** The plan and its alternatives; null when the buildpack did not pass. */
  readonly alternatives: readonly PlanSections[] | null;
  /** What a bin/detect that failed, rather than passed or not, had to say. */
  readonly error: string | null;
}

/** Environment of a buildpack's step, without that of layers. */
export type StepEnvironment = (buildpack: Buildpack) => Promise<Readonly<Record<string, string>>>;

/** Returns the first group that can build the app. Each buildpack is asked once, those of a group all at once. */
export async function detect(
  context: BuildContext,
  workspace: Workspace,
  groups: readonly Group[],
  environment: StepEnvironment,
): Promise<ResolvedPlan<Buildpack>> {
  const detections = new Map<Buildpack, Detection>();
  for (const group of groups) {
    const unasked = group.map(({ buildpack }) => buildpack).filter((buildpack) => !detections.has(buildpack));
    const answers = unasked.map(async (buildpack) => {
      detections.set(buildpack, await ask(context, workspace, buildpack, environment));
    });
    await Promise.all(answers);
    const candidates = candidatesOf(group, detections);
    const resolved = candidates === null ? null : resolvePlan(candidates);
    if (resolved !== null) return resolved;
  }
  const failed = [...detections.values()].find(({ error }) => error !== null);
  if (failed !== undefined) throw new UserError(failed.error!);
  const tried = [...new Set(groups.flat().map(({ buildpack }) => buildpack.name))].join(", ");
  throw new UserError(
    `No buildpack fits this app (tried: ${tried}); add a package.json, requirements.txt, index.html or Procfile at the top of the repository`,
  );
}

/** Null when a buildpack that the group needs did not pass. */
function candidatesOf(
  group: Group,
  detections: ReadonlyMap<Buildpack, Detection>,
): Candidate<Buildpack>[] | null {
  const candidates: Candidate<Buildpack>[] = [];
  for (const { buildpack, optional } of group) {
    const alternatives = detections.get(buildpack)?.alternatives ?? null;
    if (alternatives !== null) candidates.push({ element: buildpack, optional, alternatives });
    else if (!optional) return null;
  }
  return candidates;
}

async function ask(
  context: BuildContext,
  workspace: Workspace,
  buildpack: Buildpack,
  environment: StepEnvironment,
): Promise<Detection> {
  const planFile = await workspace.writePlan(buildpack, "");
  const lines: string[] = [];
  const title = `${buildpack.name} buildpack: detection`;
  const plan = `${inside.plan}/plan.toml`;
  const { code, reason } = await runStep(context, {
    name: "detect",
    title,
    argv: [`${buildpackDirectory(buildpack)}/bin/detect`, inside.platform, plan],
    env: { ...(await environment(buildpack)), CNB_BUILD_PLAN_PATH: plan },
    mounts: workspace.stepMounts(buildpack, true),
    network: false,
    onLine: ({ text }: OutputLine) => lines.push(text),
  });
  if (code === notForMe) return { alternatives: null, error: null };
  if (code !== 0) {
    const said = reason || lines.at(-1) || `exit status ${code}`;
    return { alternatives: null, error: `${title} failed: ${said}` };
  }
  const toml = parseBuildpackFile((await readUntrusted(planFile)) ?? "", `${buildpack.name} buildpack: plan`);
  return { alternatives: readPlan(toml), error: null };
}
