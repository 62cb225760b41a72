import { defineReport } from "../report.ts";

export const domainsReport = defineReport({
  name: "domains:report",
  summary: "Show the domains of an app, or of all",
  about: "domains",
  prefix: "domains-",
  rows: ({ operations, settings }, app) => ({
    "domains-app-enabled": "true",
    "domains-app-vhosts": operations.hosts(app).join(" "),
    ...globalRows(settings.domain),
  }),
  globalRows: ({ settings }) => globalRows(settings.domain),
});

function globalRows(domain: string) {
  return { "domains-global-enabled": "true", "domains-global-vhosts": domain };
}
