/** Of the topics that have verbs, what they are about. */
export const topics: Readonly<Record<string, string>> = {
  acl: "Say which keys may use which app",
  apps: "Manage apps",
  config: "Manage config vars of apps and of all apps",
  dashboard: "Sign in to the dashboard",
  domains: "Manage the domains that reach an app",
  ps: "Manage the processes of an app",
  releases: "See what was deployed",
  "ssh-keys": "Manage the keys that may sign in",
};

/** "apps" of "apps:create". */
export function topicOf(command: string): string {
  return command.split(":")[0] ?? command;
}
