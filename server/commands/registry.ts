import { aclAdd } from "./acl/add.ts";
import { aclList } from "./acl/list.ts";
import { aclRemove } from "./acl/remove.ts";
import { appsCreate } from "./apps/create.ts";
import { appsDestroy } from "./apps/destroy.ts";
import { appsExists } from "./apps/exists.ts";
import { appsList } from "./apps/list.ts";
import { appsReport } from "./apps/report.ts";
import type { AnyCommand } from "./command.ts";
import { configExport } from "./config/export.ts";
import { configGet } from "./config/get.ts";
import { configSet } from "./config/set.ts";
import { configShow } from "./config/show.ts";
import { configUnset } from "./config/unset.ts";
import { dashboardLogin } from "./dashboard/login.ts";
import { domainsAdd } from "./domains/add.ts";
import { domainsRemove } from "./domains/remove.ts";
import { domainsReport } from "./domains/report.ts";
import { events } from "./events/events.ts";
import { help } from "./help/help.ts";
import { logs } from "./logs/logs.ts";
import { psReport } from "./ps/report.ts";
import { psRestart } from "./ps/restart.ts";
import { psScale } from "./ps/scale.ts";
import { psStart } from "./ps/start.ts";
import { psStop } from "./ps/stop.ts";
import { releasesList } from "./releases/list.ts";
import { sshKeysAdd } from "./ssh-keys/add.ts";
import { sshKeysList } from "./ssh-keys/list.ts";
import { sshKeysRemove } from "./ssh-keys/remove.ts";
import { url } from "./urls/url.ts";
import { urls } from "./urls/urls.ts";
import { version } from "./version/version.ts";

/** Every command that a person can type, by name. Those of git are made in compose, since they need its rooms. */
export const commands: readonly AnyCommand[] = [
  aclAdd,
  aclList,
  aclRemove,
  appsCreate,
  appsDestroy,
  appsExists,
  appsList,
  appsReport,
  configExport,
  configGet,
  configSet,
  configShow,
  configUnset,
  dashboardLogin,
  domainsAdd,
  domainsRemove,
  domainsReport,
  events,
  help,
  logs,
  psReport,
  psRestart,
  psScale,
  psStart,
  psStop,
  releasesList,
  sshKeysAdd,
  sshKeysList,
  sshKeysRemove,
  url,
  urls,
  version,
];
