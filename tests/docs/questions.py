"""Questions of new users, from public reports about similar clients, and the page that answers each.

The search of the built documentation gets each question as the few words that a user types. The comment names
the report that a question comes from, if there is one.
"""

QUESTIONS = {
    # TritonDataCenter/node-triton#108: a key with a passphrase
    "passphrase": "authentication",
    # TritonDataCenter/node-smartdc#78: the key is in the agent
    "agent key": "authentication",
    # TritonDataCenter/triton-kubernetes#92: another form of fingerprint
    "fingerprint SHA256": "authentication",
    # TritonDataCenter/node-manta#30: signed URLs with an agent
    "presigned URL agent": "authentication",
    # TritonDataCenter/terraform-provider-triton#20: a timeout while the state is 'provisioning'
    "wait running timeout": "howto/timeouts",
    # TritonDataCenter/terraform-provider-triton#1: it waits for a machine that has failed
    "provision failed": "waiting",
    # TritonDataCenter/terraform-provider-triton#108: tags that do not show
    "tags applied": "waiting",
    # hashicorp/terraform#6148: waiting for metadata that was updated
    "metadata update wait": "waiting",
    # MikeWooster/api-client#9: lists in pages
    "pagination": "howto/pagination",
    # escapecloud/cloudexit#52: a page that was refused is lost
    "throttled 429": "howto/rate-limits",
    "rate limit": "howto/rate-limits",
    # dlt-hub/dlt#1593: proxies, and a private authority
    "proxy": "howto/private-cloud",
    "certificate verify": "howto/private-cloud",
    "request id logging": "howto/logging",
    "quota": "howto/usage-report",
    "inventory": "howto/ansible-inventory",
    "idempotent": "howto/idempotent",
    # romanz/trezor-agent#410: keys in tokens
    "smart card": "howto/hardware-tokens",
    # codeforamerica/intake#378: a replacement of the server, for tests
    "mock test pytest": "emulator-recipes",
    "triton instance create": "howto/triton-commands",
    "cloud-init": "howto/boot-scripts",
    "asyncio": "howto/asyncio",
    "DNS CNS": "api/account",
    "docker container": "emulator",
    "xdist": "emulator",
    "IPv6": "api/networks",
    "mypy": "stability",
    "rollback snapshot": "howto/snapshot-rotation",
}
