/** git sends '/blog', 'blog' or 'blog.git' for the app blog; whether that is a name of an app is checked elsewhere. */
export function appNameOfPath(path: string): string {
  return path
    .replace(/^\//, "")
    .replace(/\/$/, "")
    .replace(/\.git$/, "");
}
