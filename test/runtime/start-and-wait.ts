import { createRuntime } from "../../server/runtime/runtime.ts";
import { openNetwork } from "../../server/runtime/network.ts";
import type { ContainerSpec } from "../../server/model/container.ts";

// A server that starts a container and then goes on until it is killed: [data directory, spec as JSON, log file].
const [directory = "", spec = "", logFile = ""] = process.argv.slice(2);
const network = await openNetwork(directory);
const runtime = createRuntime({ containersDir: `${directory}/containers`, network });
const { pid } = await runtime.start(JSON.parse(spec) as ContainerSpec, logFile);
process.stdout.write(`${pid}\n`);
setInterval(() => {}, 1000);
