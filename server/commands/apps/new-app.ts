import { checkAppName, type App } from "../../model/app.ts";
import { UserError } from "../../model/error.ts";
import type { CommandContext } from "../command.ts";

/** Makes an app, for apps:create and for the first push. Throws a UserError when the name is bad or taken. */
export async function newApp(ctx: CommandContext, name: string): Promise<App> {
  checkAppName(name);
  const { state, operations, settings, actor } = ctx;
  // Otherwise two apps would claim the same address.
  const host = name.includes(".") ? name : `${name}.${settings.domain}`;
  const holder = state.apps.list().find((app) => app.name !== name && operations.hosts(app).includes(host));
  if (holder !== undefined) throw new UserError(`The domain ${host} is already in use by another app`);
  return await operations.createApp(name, actor);
}
