import { LocalServer } from "../../deploy/local-server.ts";
import { Project } from "../support/project.ts";
import { steadyLoad } from "../support/steady-load.ts";

const rounds = 3;

/** Changes everything that can be changed while requests go on; none may fail. */
export async function deployUnderLoad(): Promise<{ requests: number; failed: number }> {
  const server = await LocalServer.start();
  const project = await Project.create(server, "load", "node-express");
  try {
    await project.deploy();
    const load = steadyLoad(server.addresses.httpPort, "load.localhost");
    for (let round = 0; round < rounds; round++) {
      await project.commit({ "round.txt": String(round) });
      await project.deploy();
      for (const command of ["ps:scale load web=3", "ps:restart load", "ps:scale load web=1"]) {
        const { code, stderr } = await server.ssh(command);
        if (code !== 0) throw new Error(`${command}: ${stderr}`);
      }
      await server.crash();
      await server.run();
    }
    const { requests, failures } = await load.stop();
    for (const failure of failures.slice(0, 5)) console.error(failure);
    return { requests, failed: failures.length };
  } finally {
    await server.close();
    await project.remove();
  }
}
