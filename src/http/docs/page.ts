import type { OpenApi, OperationObject } from '../../contract/index.ts'
import { type Content, type Html, html } from '../page/html.ts'
import type { Page } from '../page/layout.ts'
import { card } from '../page/parts.ts'
import { paragraphs } from './prose.ts'
import { kindOf, renderField, renderSchema } from './schema.ts'

/** The API for people: the OpenAPI document, as a page. */
export function docsPage({ info, paths, webhooks, components }: OpenApi): Page {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
  )
  return {
    title: 'HTTP API',
    body: html`${paragraphs(info.description)}
<p><a href="/openapi.json">OpenAPI 3.1</a> · <a href="/docs/errors">error codes</a> · version ${info.version}</p>
${card(
  'What there is',
  html`<ul>${operations.map(
    ({ method, path, operation }) =>
      html`<li><a href="#${operation.operationId}">${operation.summary}</a>
<span class="soft"><code>${method.toUpperCase()} ${path}</code></span></li>`,
  )}<li><a href="#${webhooks.update.post.operationId}">${webhooks.update.post.summary}</a></li></ul>`,
)}
${card('How to ask', html`<pre class="lines">${sample}</pre>`)}
${operations.map(({ method, path, operation }) => section(`${method.toUpperCase()} ${path}`, operation))}
${section('Webhook', webhooks.update.post)}
<h2>What is said</h2>
${Object.entries(components.schemas).map(
  ([name, schema]) =>
    html`<section class="card" id="${name}"><h3>${name}</h3>${renderSchema(schema)}</section>`,
)}`,
  }
}

const sample = `curl --cacert ca.pem --cert client.pem --key client.key https://sealpost.bank.example:8443/v1/messages \\
  -H 'Content-Type: application/json' -H 'Idempotency-Key: "…"' -d @message.json`

function section(line: string, operation: OperationObject): Html {
  const { operationId, summary, description, parameters = [], requestBody, responses } = operation
  return html`<section class="card" id="${operationId}"><h2>${summary}</h2>
<p><code>${line}</code></p>${paragraphs(description)}
${
  parameters.length > 0 &&
  html`<h3>Parameters</h3><dl class="facts">${parameters.map(parameter =>
    renderField(
      `${parameter.name} (${parameter.in})`,
      parameter.schema,
      parameter.required,
      parameter.description,
    ),
  )}</dl>`
}
${requestBody !== undefined && html`<h3>Body</h3>${media(requestBody.content)}`}
<h3>Answers</h3><dl class="facts">${Object.entries(responses).map(
    ([status, response]) => html`<dt>${status}</dt><dd>${answer(response)}</dd>`,
  )}</dl></section>`
}

function answer({ description, content = {} }: OperationObject['responses'][string]): Content {
  const codes = Object.keys(content['application/problem+json']?.examples ?? {})
  if (codes.length === 0) return html`${paragraphs(description)}${media(content)}`
  return codes.map((code, i) => html`${i > 0 && ', '}<a href="/docs/errors#${code}"><code>${code}</code></a>`)
}

function media(content: NonNullable<OperationObject['responses'][string]['content']>): Content {
  return Object.entries(content).map(([type, { schema }]) =>
    schema?.properties === undefined
      ? html`<p><code>${type}</code>${schema !== undefined && html`: ${kindOf(schema)}`}</p>`
      : html`<p><code>${type}</code>:</p>${renderSchema(schema)}`,
  )
}
