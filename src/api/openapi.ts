/** OpenAPI 3.1 of the contract, at `/api/v1/openapi.json`. */
import type { FastifyInstance } from 'fastify'
import swagger from '@fastify/swagger'
import { jsonSchemaTransform } from 'fastify-type-provider-zod'

export async function registerOpenApi(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'PlexiChat',
        version: '1',
        description: 'Local API of one PlexiChat daemon. Errors are RFC 9457 problem documents; see docs/ERRORS.md.',
      },
      servers: [{ url: 'http://127.0.0.1:7420' }],
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
    },
    transform: jsonSchemaTransform,
  })
}
