import { compose } from "./compose.ts";
import { configHelp, readConfig } from "./config.ts";
import { log } from "./lib/log.ts";
import { messageOf, UserError } from "./model/error.ts";

if (process.argv.includes("--help")) {
  process.stdout.write(configHelp());
  process.exit(0);
}

// Folders that stacks and containers show to apps must be readable whatever the shell that started us says.
process.umask(0o022);

try {
  const config = readConfig(process.argv.slice(2), process.env);
  const slipway = await compose(config);
  const addresses = await slipway.listen().catch(async (error: unknown) => {
    await slipway.close();
    throw error;
  });
  log("listening", { ...addresses, domain: config.domain, dataDir: config.dataDir });
  // A parent process (demo, tests) learns the ports that were free.
  process.send?.({ listening: addresses });

  let closing = false;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      if (closing) return;
      closing = true;
      log("closing", { signal, ephemeral: config.ephemeral });
      slipway.close().then(
        () => process.exit(0),
        (error: unknown) => fail(error),
      );
    });
  }
} catch (error) {
  fail(error);
}

function fail(error: unknown): never {
  const { code, address, port } = error as NodeJS.ErrnoException & { address?: string; port?: number };
  if (error instanceof UserError) process.stderr.write(` !     ${error.message}\n`);
  else if (code === "EADDRINUSE" || code === "EACCES")
    process.stderr.write(
      ` !     Cannot listen on ${address}:${port} (${code}): choose another port, see --help\n`,
    );
  else log("stopped", { error: error instanceof Error ? (error.stack ?? error.message) : messageOf(error) });
  process.exit(1);
}
