import { exec } from "../lib/exec.ts";

/** Where every stack has the certificates that the host trusts. */
const certificates = "/etc/ssl/certs/ca-certificates.crt";

/** Names that programs look for their certificates under; a company's proxy may use a certificate of its own. */
const certificateNames = [
  "SSL_CERT_FILE",
  "NODE_EXTRA_CA_CERTS",
  "CURL_CA_BUNDLE",
  "REQUESTS_CA_BUNDLE",
  "PIP_CERT",
  "GIT_SSL_CAINFO",
  "npm_config_cafile",
];

const passedOn = [
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "NO_PROXY",
  "http_proxy",
  "https_proxy",
  "no_proxy",
  "PIP_INDEX_URL",
  "PIP_EXTRA_INDEX_URL",
];

/** What builds need of the operator's settings to reach the network as the machine does. It is part of no image. */
export interface OperatorEnvironment {
  readonly variables: Readonly<Record<string, string>>;
  /** Content of ~/.npmrc: as a variable the registry would win over the one that an app chooses. */
  readonly npmrc: string;
}

let known: Promise<OperatorEnvironment> | null = null;

/** Asked of the machine once, when the first build needs it: the answer takes a second. */
export async function operatorEnvironment(): Promise<OperatorEnvironment> {
  known ??= askMachine();
  return await known;
}

async function askMachine(): Promise<OperatorEnvironment> {
  const given = passedOn.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  const [registry, index] = await Promise.all([
    setting(["npm", "config", "get", "registry"]),
    setting(["python3", "-m", "pip", "config", "get", "global.index-url"]),
  ]);
  return {
    variables: {
      ...Object.fromEntries(certificateNames.map((name) => [name, certificates])),
      ...(index !== null && { PIP_INDEX_URL: index }),
      ...Object.fromEntries(given),
    },
    npmrc: registry === null ? "" : `registry=${registry}\n`,
  };
}

/** Asks a program for a setting of this machine; null when it has none or the program is not there. */
async function setting(command: [string, ...string[]]): Promise<string | null> {
  try {
    const value = (await exec(command, { cwd: "/" })).trim();
    return /^https?:\/\//.test(value) ? value : null;
  } catch {
    return null;
  }
}
