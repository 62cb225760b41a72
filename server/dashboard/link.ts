export interface LinkView {
  readonly href: string;
  /** Without the scheme: what a person reads. */
  readonly text: string;
}

export function linkView(url: string): LinkView {
  return { href: url, text: url.replace(/^https?:\/\//, "") };
}
