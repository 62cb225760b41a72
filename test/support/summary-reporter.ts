import { writeFileSync } from "node:fs";
import Mocha from "mocha";

/** Mocha's spec reporter that also writes its result as one line to the file of `--reporter-option summary=FILE`. */
export default class SummaryReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    const { summary } = options.reporterOptions as { summary: string };
    runner.once(Mocha.Runner.constants.EVENT_RUN_END, () => {
      const { passes, failures, pending } = this.stats;
      const skipped = pending > 0 ? `, ${pending} skipped` : "";
      writeFileSync(summary, `${passes} passed, ${failures} failed${skipped}\n`);
    });
  }
}
