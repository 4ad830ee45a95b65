/** Makes the server without loading it beforehand: who only calls a daemon must not pay for what serves one. */
import type { ApiOptions } from './options.ts'
import type { ApiServer, ApiServerDeps } from './server.ts'

/** A server that is not started yet. */
export async function createApiServer(options: ApiOptions, deps: ApiServerDeps): Promise<ApiServer> {
  const { ApiServer } = await import('./server.ts')
  return new ApiServer(options, deps)
}
