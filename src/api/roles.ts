/** Who may call a route: nobody needs a token for `open`; each of the others may do what those before it may. */
export type Role = 'open' | 'viewer' | 'operator' | 'admin'
export const roles: readonly Role[] = ['open', 'viewer', 'operator', 'admin']

/** To run commands is to be the daemon's account. */
export function commandRole(body: unknown): Role {
  return (body as { command?: unknown } | null)?.command === undefined ? 'operator' : 'admin'
}
