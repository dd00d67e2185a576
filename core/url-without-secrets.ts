/** An address as it may be shown: a user, a password and parameters are left out, among which a key may be. */
export function urlWithoutSecrets(text: string): string {
  const url = new URL(text)
  return `${url.protocol}//${url.host}${url.pathname.replace(/\/$/, '')}`
}
