// Asks @cloud-copilot/iam-simulate what roles may do. It is under the AGPL: a checker, run in a process of its own, of which
// nothing is shipped. The first line of the input has the policies of roles and resources; each further line has
// questions, answered in one line. It refuses policies that IAM refuses, and requests that AWS's services cannot get.

import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'

const require = createRequire(process.argv[2])
const { createValidatedPolicy, validateIdentityPolicy } = require('@cloud-copilot/iam-policy')
const { runSimulation } = require('@cloud-copilot/iam-simulate')

let account, roles, resources

function begin(given) {
  ;({ account, roles, resources } = given)
  for (const policies of Object.values(roles)) {
    for (const one of policies) one.policy = createValidatedPolicy(one.policy, validateIdentityPolicy)
  }
}

async function answer([role, action, resource, contextVariables]) {
  const response = await runSimulation(
    {
      identityPolicies: roles[role],
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      resourcePolicy: resources[resource],
      request: {
        principal: `arn:aws:iam::${account}:role/${role}`,
        action,
        resource: { resource, accountId: account },
        contextVariables
      }
    },
    {}
  )
  if (response.resultType !== 'single') return { error: JSON.stringify(response.errors ?? response) }
  const { ignoredContextKeys: ignored } = response.result
  if (ignored?.length) return { error: `${action} does not know ${ignored}` }
  return { allowed: response.overallResult === 'Allowed' }
}

for await (const line of createInterface({ input: process.stdin })) {
  const given = JSON.parse(line)
  if (!roles) {
    begin(given)
    continue
  }
  const answers = []
  for (const question of given) answers.push(await answer(question))
  process.stdout.write(JSON.stringify(answers) + '\n')
}
