# ruff: noqa: E501
"""The calls that py-smartdc 0.2.0 and this package both make: those of scripts, and odd arguments.

The last line of each is an expression. `sdc` is a data center of three machines, `m` the first of them; `tests.interop.ancestor.Stage`
sets the names in capitals.
"""

from __future__ import annotations

__all__ = ["CALLS"]


def _each(form: str, *values: str) -> list[str]:
    return [form.replace("$", value) for value in values]


_EMPTY = ("''", "0", "None", "[]", "{}", "()", "False")

_ACCOUNT = [
    "sdc.me()", "sdc.me()['login']", "(sdc.me(), sdc.login)[1]", "sdc.keys()", "[key['name'] for key in sdc.keys()]",
    "sdc.api()", "sdc.datacenters()", "(sdc.datacenters(), sorted(sdc.known_locations))[1]",
    *_each("sdc.key($)", "'rsa'", "'test_key'", "'nothing'", "''", "u'rsa'", "0", "None", "sdc.keys()[0]['fingerprint']",
           "sdc.keys()[1]['fingerprint']", "{'name': 'rsa'}"),
    *_each("sdc.add_key($)", "'mine', ANOTHER_KEY", "u'mine', ANOTHER_KEY", "'mine', 'ssh-rsa nonsense'", "'rsa', ANOTHER_KEY",
           "'', ANOTHER_KEY", "5, ANOTHER_KEY", "'mine', ''", "key_id='mine', key=ANOTHER_KEY", "'mine'"),
    *_each("sdc.delete_key($)", "'test_key'", "'nothing'", "''", "key_id='test_key'", "sdc.keys()[0]['fingerprint']"),
]  # fmt: skip

_PLACES = [
    *_each("str(sdc.datacenter($))", "'us-east-1'", "u'us-east-1'", "'nowhere'", "'nowhere.example.com'", "'localhost'", "''",
           "None"),
    "sdc.datacenter('us-east-1').url", "sdc.datacenter('us-east-1').machines()", "sdc.datacenter('us-east-1').login",
    "sdc.datacenter(name='us-east-1').location", "sdc.datacenter('us-east-1') == sdc", "sdc == sdc", "sdc != sdc",
    "sdc == DataCenter('us-sw-1', **options)", "sdc == DataCenter('us-sw-1', login='test', **options)", "sdc == 5",
    "sdc == 'us-sw-1'", "str(sdc)", "repr(sdc)", "sdc.url", "sdc.base_url", "sdc.location", "sdc.login", "sdc.verbose",
    "sdc.API_VERSION", "sorted(sdc.known_locations)", "sdc.url + m.path", "sdc.base_url + '/' + sdc.login",
    *_each("DataCenter($).base_url", "", "'us-east-1'", "'us-sw-1'", "'api.example.com'", "'localhost'", "'us-central-1'", "'eu-ams-1'",
           "None", "''", "location='us-west-1'", "u'us-west-1'", "'nowhere'"),
    *_each("DataCenter('London', known_locations=smartdc.$).base_url", "TELEFONICA_LOCATIONS", "KNOWN_LOCATIONS"),
    "smartdc.DEFAULT_LOCATION", "sorted(smartdc.KNOWN_LOCATIONS)[:3]", "sorted(smartdc.TELEFONICA_LOCATIONS)",
    *_each("str(DataCenter('us-sw-1', $))", "login='bob'", "login=''", "login=None", "'/test/keys/rsa', SECRET",
           "key_id=KEY_ID, secret=SECRET", "key_id=KEY_ID, secret=None", "key_id=KEY_ID, secret=''", "key_id=None, secret=SECRET",
           "key_id='', secret=SECRET", "key_id=KEY_ID, secret='/nonexistent'", "headers={'X-Mine': '1'}", "headers={}",
           "known_locations={}", "known_locations=None", "verify=False", "verify=True", "verbose=True", "verbose=False",
           "None, None, None, None, None, None, False, True, None"),
    "places = dict(URLS)\nsdc = DataCenter('us-sw-1', known_locations=places)\nplaces['new'] = 'https://new'\nsdc.known_locations['new']",
    "places = dict(URLS)\nsdc = DataCenter('us-sw-1', known_locations=places)\nsdc.known_locations['new'] = 'https://new'\nplaces['new']",
    "sdc.login = 'test'\nsdc.url", "sdc.login = 'test'\nsdc.keys()[0]['name']", "sdc.location = 'us-east-1'\nsdc.machines()",
    "sdc.login = 'nobody'\nsdc.keys()",
    "DataCenter('us-sw-1', verify=CA, known_locations=URLS).keys()", "DataCenter('us-sw-1', KEY_ID, SECRET, known_locations=URLS).keys()",
    "DataCenter('us-sw-1', '/test/keys/nothing', SECRET, verify=CA, known_locations=URLS).keys()",
    "DataCenter('us-sw-1', '/nobody/keys/rsa', SECRET, verify=CA, known_locations=URLS).keys()",
    "DataCenter('https://localhost', **options).keys()", "DataCenter('127.0.0.1:1', **options).location",
    "sdc = DataCenter('us-sw-1', verify=CA, known_locations=URLS)\nsdc.authenticate(KEY_ID, SECRET)\nlen(sdc.keys())",
    "sdc.authenticate()\nlen(sdc.keys())", "sdc.authenticate(KEY_ID)\nlen(sdc.keys())", "sdc.authenticate(secret=SECRET)\nlen(sdc.keys())",
    "sdc.authenticate(KEY_ID, '')\nlen(sdc.keys())", "sdc.authenticate(KEY_ID, SECRET, False)\nlen(sdc.keys())",
    "sdc.authenticate('', '')\nlen(sdc.keys())", "sdc.auth = None\nsdc.keys()",
    "sdc = DataCenter('us-sw-1', verbose=True, **options)\nlen(sdc.keys())",
    "sdc = DataCenter('us-sw-1', verbose=True, **options)\nsdc.key('nothing')",
    "import sys\nsdc.verbose = sys.stderr\nlen(sdc.keys())", "import sys\nsdc.verbose = sys.stdout\nlen(sdc.keys())",
]  # fmt: skip

_REQUESTS = [
    *_each("sdc.request('GET', $)[0]", "'keys/rsa'", "'/keys/rsa'", "''", "'/'", "'machines/' + ID", "'machines/' + ID + '/audit'", "m.path",
           "'/' + m.path", "m.path + '/tags'", "m.path + '/metadata/purpose'", "'machines?limit=1'", "'machines?name=web'",
           "'machines/'", "'nothing'", "'keys/no%20thing'", "'keys/no thing'", "'my/keys'", "'../my/keys'"),
    *_each("sdc.request('GET', 'machines', $)[0]", "params={'name': 'db'}", "params={'limit': 1}", "params={'limit': '1'}", "params=None",
           "params={}", "params={'name': None}", "params={'name': ''}", "params=[('name', 'db')]", "params='name=db'", "{}", "None",
           "{'X-Mine': '1'}", "headers={'X-Api-Version': '~7.1'}", "headers={'X-Api-Version': '~9'}", "headers={'Accept': 'application/json'}",
           "timeout=5", "timeout=(5, 5)", "timeout=None", "stream=True", "stream=False", "allow_redirects=False", "allow_redirects=True",
           "proxies={}", "proxies=None", "cert=None", "cookies={}", "hooks={}", "files=None", "nonsense=1"),
    *_each("sdc.request($)[1].status_code", "'GET', 'keys'", "'get', 'keys'", "method='GET', path='keys'", "'HEAD', 'machines'",
           "'DELETE', 'keys/test_key'", "'POST', 'machines/' + ID, params={'action': 'stop'}",
           "'POST', 'machines/' + ID, None, {'action': 'stop'}", "'POST', 'machines/' + ID + '/tags', data={'a': 'b'}",
           "'POST', 'machines/' + ID + '/tags', data={}", "'POST', 'machines/' + ID, data={'action': 'reboot'}",
           "'POST', 'keys', data={'name': 'mine', 'key': ANOTHER_KEY}", "'PUT', 'machines/' + ID + '/tags', data={'a': 'b'}",
           "'', 'keys'", "'GET /', 'keys'"),
    "sdc.request('GET', 'keys')[1].json()[0]['name']", "sdc.request('GET', 'keys')[1].headers['content-type']",
    "sdc.request('GET', 'keys')[1].ok", "sdc.request('HEAD', 'machines')[1].headers['x-resource-count']", "sdc.request('HEAD', 'machines')[0]",
    "sdc.request('GET', 'keys')[1].raise_for_status()", "j, r = sdc.request('GET', 'machines')\nlen(j)",
    "sdc.default_headers['X-Api-Version'] = '~7.0'\nsorted(sdc.request('GET', 'machines/' + ID)[0])",
    "sdc.default_headers['X-Api-Version'] = '~7.1'\nlen(sdc.machines())", "sdc.default_headers['X-Api-Version'] = '~9'\nlen(sdc.machines())",
    "sdc.default_headers['X-Mine'] = '1'\nlen(sdc.machines())", "sdc.default_headers.update({'X-Api-Version': '~8'})\nlen(sdc.machines())",
    "DataCenter('us-sw-1', headers={'X-Api-Version': '~7.1'}, **options).machines()", "sorted(name.lower() for name in sdc.default_headers)",
    "DataCenter('us-sw-1', headers={'x-api-version': '~7.1'}, **options).machines()",
    "class Mine(DataCenter):\n    def request(self, method, path, headers=None, data=None, **kwargs):\n        made.append(method)\n"
    "        return DataCenter.request(self, method, path, headers=headers, data=data, **kwargs)\nmade = []\n"
    "sdc = Mine('us-sw-1', **options)\nm = sdc.create_machine('new', IMAGE and 'sample-512M', image=IMAGE)\nmade",
    "class Mine(DataCenter):\n    def request(self, method, path, headers=None, data=None, **kwargs):\n        made.append(method)\n"
    "        return DataCenter.request(self, method, path, headers, data, **kwargs)\nmade = []\nsdc = Mine('us-sw-1', **options)\n"
    "m = sdc.machine(ID)\nm.add_tags(a='b')\nm.create_snapshot('one')\nmade",
    "class Mine(DataCenter):\n    def request(self, method, path, headers=None, data=None, params=None):\n        made.append(method)\n"
    "        return DataCenter.request(self, method, path, headers, data, params=params)\nmade = []\nsdc = Mine('us-sw-1', **options)\n"
    "m = sdc.machine(ID)\nm.stop()\nmade",
]  # fmt: skip

_LISTS = [
    *_each("sdc.datasets($)", "", "'base64'", "'base64:'", "'^base'", "'BASE64'", "'no such'", "'('", "'essential', ('description',)",
           "'base', ['urn']", "search='base64'", "'1', ('version',)", "'base', 'urn'", "5"),
    *_each("sdc.datasets('$')[0]['name']", "base(64)?:", "sdc:sdc:base64", "sdc:sdc:", "sdc:.*:13.4.0", "smartos"),
    *_each("sdc.dataset($)", "IMAGE", "{'id': IMAGE}", "'sdc:sdc:base64:21.4.0'", "'sdc:sdc:base64:'", "'sdc:sdc:base64'", "'base64:'",
           "'base64'", "'sdc:sdc:base64:14'", "{'urn': 'sdc:sdc:base64:14.3.0'}", "{'id': IMAGE, 'urn': 'x'}", "{}", "'nothing'", "''", "None",
           "sdc.images()[0]"),
    "sdc.default_dataset()", "[ds['urn'] for ds in sdc.datasets('base64:')]",
    *_each("[image['name'] for image in sdc.images($)]", "", "'base64'", "name='base64'", "os='linux'", "version='14.3.0'",
           "'base64', 'smartos', '14.3.0'", "'nothing'", "name='base64', version='1'"),
    *_each("sdc.images($)", *(f"{name}={value}" for name in ("name", "os", "version") for value in _EMPTY)),
    *_each("sdc.image($)", "IMAGE", "{'id': IMAGE}", "'nothing'", "''", "{}", "None", "u'nothing'", "IMAGE.upper()"),
    *_each("sdc.networks($)", "", "'ext'", "'EXT'", "'nothing'", "'^p', ('name',)", "'o', ['description']", "search='priv'", "''", "'('"),
    *_each("sdc.network($)", "EXTERNAL", "{'id': EXTERNAL}", "'nothing'", "''", "{}", "None"),
    *_each("[package['name'] for package in sdc.packages($)]", "", "'sample-512M'", "name='sample-512M'", "memory=512", "name='nothing'",
           "disk=10240", "vcpus=1", "version='1.0.0'", "group='High CPU'", "swap=1024", "None, 1024", "'sample-512M', 512", "None, None, 10240",
           "'g4', 1024", "'', 512", "memory=0", "memory='512'", "memory=512, vcpus=1", "'-highcpu-.+-smartos'"),
    *_each("sdc.packages($)", *(f"{name}={value}" for name in ("name", "memory", "group") for value in _EMPTY)),
    *_each("sdc.package($)", "'sample-512M'", "PACKAGE", "{'name': 'sample-512M'}", "{'id': PACKAGE}", "sdc.packages()[0]", "'nothing'", "''",
           "{}", "None", "u'sample-512M'", "name='sample-512M'"),
    "sdc.default_package()",
]  # fmt: skip

_FILTERS = (
    "machine_type",
    "name",
    "dataset",
    "state",
    "memory",
    "tombstone",
    "tags",
    "credentials",
    "limit",
    "offset",
)
_GOOD = (
    "", "'smartmachine'", "'virtualmachine'", "machine_type='smartmachine'", "name='web'", "name='nothing'", "name='we'", "None, 'web'",
    "dataset=IMAGE", "dataset={'id': IMAGE}", "dataset='sdc:sdc:base64:21.4.0'", "dataset={'id': IMAGE, 'urn': 'sdc:sdc:base64:21.4.0'}",
    "dataset='base64:'", "state='running'", "state='stopped'", "state=u'running'", "state='deleted'", "memory=256", "memory='256'",
    "memory=1024", "tombstone=20", "tags={'role': 'www'}", "tags={'role': u'www'}", "tags={'role': '*'}", "tags={'n': 1}", "tags={'n': True}",
    "tags={5: 'x'}", "tags={'role': 'www', 'n': 1}", "tags={'no': 'thing'}", "'smartmachine', 'web', None, 'running'", "state='running', memory=256",
)  # fmt: skip
_MACHINES = [
    *_each("sdc.machines($)", *_GOOD, "credentials=True", "paged=True", "limit=1", "limit=2, offset=1", "offset=1", "paged=True, limit=1",
           "paged=True, limit=1, offset=1", "paged=True, offset=2", "limit=1000", "limit=-1", "offset=100", "limit='2'", "machine_type='nonsense'",
           "state='nonsense'", "memory='much'", "nonsense=1"),
    *_each("sdc.machines($)", *(f"{name}={value}" for name in _FILTERS for value in _EMPTY)),
    *_each("sdc.num_machines($)", *(good for good in _GOOD if "name" not in good and "web" not in good)),
    *_each("sdc.num_machines($)", *(f"{name}={value}" for name in _FILTERS[:7] if name != "name" for value in _EMPTY[:3])),
    "[str(machine) for machine in sdc.machines()]", "[machine.name for machine in sdc.machines()]", "sorted(sdc.machines(), key=lambda m: m.name)",
    "for machine in sdc.machines(): print('%s %s %s' % (machine.name, machine.state, machine.memory))\nNone",
    "for machine in sdc.machines(): print('{0.name} {0.id} {0.type} {0.disk}'.format(machine))\nNone", "m in sdc.machines()",
    "set(sdc.machines()) == set(sdc.machines())", "dict((machine.name, machine) for machine in sdc.machines())['db']",
    "[machine.public_ips[0] for machine in sdc.machines()]", "len(sdc.machines()) == sdc.num_machines()",
    *_each("sdc.machine($)", "ID", "{'id': ID}", "m", "u'%s' % ID", "'nothing'", "''", "None", "{}", "ID, True", "machine_id=ID", "ID.upper()"),
    *_each("sdc.raw_machine_data($)['name']", "ID", "{'id': ID}", "m", "m.id", "'nothing'", "ID, True", "machine_id=ID, credentials=False"),
]  # fmt: skip

_NEW = "'new', 'sample-512M', image=IMAGE"
_CREATE = [
    *_each("sdc.create_machine($)", _NEW, "name='new', package='sample-512M', image=IMAGE", "'new', 'sample-512M', IMAGE",
           "'new', 'sample-512M', 'sdc:sdc:base64:21.4.0'", "'new', 'sample-512M', 'sdc:sdc:base64:'", "'new', 'sample-512M', 'base64:'",
           "'new', 'sample-512M', sdc.images('base64')[0]", "'new', sdc.packages(name='sample-512M')[0], image=sdc.images('base64')[0]",
           "'new', {'name': 'sample-512M'}, image={'id': IMAGE}", "'new', {'id': PACKAGE}, image=IMAGE", "'new', PACKAGE, image=IMAGE",
           "image=IMAGE, package='sample-512M'", "'', 'sample-512M', image=IMAGE", "'new', '', image=IMAGE", "'new', image=IMAGE",
           "'new', 'sample-512M'", "'new', 'nothing', image=IMAGE", "'new', 'sample-512M', image='nothing'", "'bad name', 'sample-512M', image=IMAGE",
           "'-new', 'sample-512M', image=IMAGE", "'new-', 'sample-512M', image=IMAGE", "'a_b', 'sample-512M', image=IMAGE", "'web', 'sample-512M', image=IMAGE",
           "u'new', u'sample-512M', image=IMAGE", "5, 'sample-512M', image=IMAGE", "'new', 'sample-512M', image=IMAGE, dataset='nothing'",
           "'new', 'sample-512M', dataset='', image=IMAGE", "'new', 'sample-512M', dataset=IMAGE, image=''", "'new', 'sample-512M', {'id': IMAGE, 'urn': 'x'}",
           "'new', 'sample-512M', {'urn': 'sdc:sdc:base64:21.4.0'}"),
    *_each(f"sdc.create_machine({_NEW}, $)", "metadata={'a': 'b'}", "metadata={'a': 1}", "metadata={'a': True}", "metadata={}", "metadata={'a': {'b': 1}}",
           "metadata={'a': None}", "metadata={'a-b': ''}", "metadata={5: 'x'}", "tags={'role': 'x'}", "tags={'n': 1}", "tags={'n': True}", "tags={5: 'x'}",
           "tags={}", "tags={'a': None}", "tags={'a': ['b']}", "boot_script=SCRIPT", "boot_script=''", "boot_script='/nonexistent'", "credentials=True",
           "networks=[EXTERNAL]", "networks=EXTERNAL", "networks=[EXTERNAL, PRIVATE]", "networks=(EXTERNAL,)", "networks=[]", "networks=''",
           "networks=None", "networks=[sdc.networks()[0]]", "networks=['nothing']", "metadata=None, tags=None, boot_script=None", "nonsense=1"),
    "Machine.create_in_datacenter(sdc, name='new', package='sample-512M', image=IMAGE)", f"sdc.create_machine({_NEW}).state",
    f"m = sdc.create_machine({_NEW}, boot_script=SCRIPT)\nm.boot_script", f"m = sdc.create_machine({_NEW}, metadata={{'a': 'b'}})\nm.metadata",
    f"new = sdc.create_machine({_NEW})\nnew.poll_while('provisioning')\nnew", f"new = sdc.create_machine({_NEW})\nnew.poll_until('running', 5)\nnew.public_ips",
    f"new = sdc.create_machine({_NEW})\nnew.stop()", f"new = sdc.create_machine({_NEW})\nnew.status()",
]  # fmt: skip

_FIELDS = ("id", "name", "type", "state", "dataset", "memory", "disk", "ips", "public_ips", "private_ips", "metadata", "boot_script", "created",
           "updated", "path")  # fmt: skip
_MACHINE = [
    *_each("m.$", *_FIELDS), *_each("'%s' % m.$", "name", "created", "updated", "memory", "ips", "metadata"), "str(m)", "repr(m)", "hash(m) == hash(sdc.machine(ID))",
    "m == sdc.machine(ID)", "m != sdc.machine(ID)", "m == {'id': ID}", "m == ID", "m == None", "m.datacenter is sdc", "sorted(vars(m))[:1]",
    "m.created < m.updated", "m.created.year > 2000", "(m.updated - m.created).days", "m.created.strftime('%Y') > '2000'",
    "import datetime\n(datetime.datetime.now() - m.created).days < 1", "import datetime\n(datetime.datetime.utcnow() - m.created).days < 1",
    *_each("m.$", "status()", "stop()", "start()", "reboot()", "refresh()", "refresh(True)", "refresh(credentials=True)", "credentials()", "delete()"),
    *_each("m.resize($)", "'g3-standard-1-smartos'", "{'name': 'g3-standard-1-smartos'}", "sdc.packages(name='g3-standard-1-smartos')[0]", "'nothing'", "''",
           "package='sample-512M'", "{}"),
    "m.stop()\nm.poll_until('stopped')\nm.state", "m.stop()\nm.poll_while('running')\nm.state", "m.stop()\nm.poll_until('stopped', 1)", "m.stop()\nm.poll_until('stopped', interval=0.5)",
    "m.stop()\nm.poll_until('stopped', 10)\nm.delete()\nm.status()", "m.delete()\nm.poll_until('deleted')", "m.delete()\nm.poll_while('running')", "m.poll_until('running')",
    "m.poll_while('stopped')", "m.poll_until('running', 0)", "m.poll_while('stopped', 0)", "m.poll_until(state='running', interval=1)", "m.delete()\nsdc.machines()",
    *_each("m.$", "get_tags()", "get_tag('role')", "get_tag('nothing')", "get_tag('')", "delete_tag('role')", "delete_tag('nothing')", "delete_tag('')", "delete_all_tags()",
           "add_tags(a='b')", "add_tags(a='b', c='d')", "add_tags(n=1)", "add_tags(n=True)", "add_tags(n=None)", "add_tags()", "add_tags(a=['b'])", "add_tags(a='')",
           "add_tags(machine='x')", "add_tags(**{'a b': 'c'})", "add_tags({'a': 'b'})", "add_tags(role='x')", "add_tags(u='\\u00e9')"),
    "m.add_tags(a='b')\nsdc.machines(tags={'a': 'b'})", "m.add_tags(n=1)\nm.get_tag('n')", "m.delete_tag('role')\nm.get_tags()", "m.delete_all_tags()\nm.get_tags()",
    *_each("m.$", "get_metadata()", "update_metadata(a='b')", "update_metadata(a=1)", "update_metadata(a=None)", "update_metadata()", "update_metadata(a={'b': 'c'})",
           "update_metadata(a='')", "update_metadata(**{'a b': 'c'})", "update_metadata(image='x')", "delete_metadata_at_key('purpose')", "delete_metadata_at_key('nothing')",
           "delete_metadata_at_key('')", "delete_all_metadata()", "set_boot_script(SCRIPT)", "set_boot_script('/nonexistent')", "set_boot_script('')", "set_boot_script(filename=SCRIPT)",
           "delete_boot_script()", "update_metadata({'a': 'b'})"),
    "m.update_metadata(a='b')\nm.metadata", "m.set_boot_script(SCRIPT)\nm.boot_script", "m.set_boot_script(SCRIPT)\nm.delete_boot_script()\nm.boot_script",
    "m.get_metadata()\nm.metadata", "m.update_metadata(a='b')\nm.delete_metadata_at_key('a')", "m.delete_all_metadata()\nm.metadata", "m.metadata['k'] = 1\nm.metadata['k']",
    "m.metadata.pop('purpose')", "m.metadata.get('purpose')", "m.state = 'x'\nm.state", "m.name = 'x'\nm.name", "m.mine = 'x'\nm.mine",
    "Machine(None, data={'id': ID, 'name': 'x', 'created': '2012-01-01T00:00:00Z'}).name", "repr(Machine(None, data={'id': ID, 'name': 'x', 'created': '2012-01-01T00:00:00Z'}))",
    "Machine(sdc, ID)", "Machine(sdc, machine_id=ID)", "Machine(datacenter=sdc, machine_id=ID, credentials=True)", "Machine(sdc, data=sdc.raw_machine_data(ID))", "Machine(sdc)",
    "data = sdc.raw_machine_data(ID)\nMachine(sdc, ID, data)",
]  # fmt: skip

_SNAPSHOTS = [
    "m.snapshots()", "m.create_snapshot('one')", "m.create_snapshot(name='one')", "m.create_snapshot('')", "m.create_snapshot()", "m.create_snapshot(u'one')",
    "m.snapshot('nothing')", "m.raw_snapshot_data('nothing')", "m.start_from_snapshot('nothing')", "m.start_from_snapshot('')", "Snapshot(m, 'nothing')", "Snapshot(m)",
    *_each("m.datacenter.request('POST', 'machines/' + ID + '/snapshots', data={'name': 'one'})\ntime.sleep(30)\n$", "m.snapshots()", "m.snapshot('one')", "m.snapshot('one').state",
           "m.snapshot('one').created is None", "m.snapshot('one').updated is None", "m.snapshot('one').path", "m.snapshot('one').status()", "m.snapshot('one').refresh()", "m.snapshot('one').delete()",
           "m.snapshot('one').start()", "m.start_from_snapshot('one')", "m.start_from_snapshot('one').id", "m.raw_snapshot_data('one')['name']", "str(m.snapshot('one'))", "repr(m.snapshot('one'))",
           "[str(each) for each in m.snapshots()]", "m.snapshot('one').machine is m", "m.snapshot('one').name", "m.snapshots()[0].delete()", "Snapshot(m, data=m.raw_snapshot_data('one'))",
           "Snapshot(machine=m, name='one')", "m.create_snapshot('two').state"),
    "snapshot = m.create_snapshot('one')\ntime.sleep(30)\nsnapshot.status()", "snapshot = m.create_snapshot('one')\ntime.sleep(30)\nsnapshot.start()",
]  # fmt: skip

_IMPORTS = [
    "from smartdc.datacenter import search_dicts\nlist(search_dicts([{'name': 'a'}, {'name': 'b'}], 'A', ('name',)))", "from smartdc.datacenter import API_HOST_SUFFIX\nAPI_HOST_SUFFIX",
    "from smartdc.datacenter import DataCenter as D\nD is DataCenter", "from smartdc.machine import Machine as M\nM is Machine", "from smartdc.machine import Snapshot as S\nS is Snapshot",
    "from smartdc.machine import priv\n[priv(u'10.0.0.1'), priv(u'172.16.0.1'), priv(u'172.32.0.1'), priv(u'8.8.8.8')]", "from smartdc.machine import pub\n[pub(u'10.0.0.1'), pub(u'8.8.8.8')]",
    "from smartdc.machine import dt_time\ndt_time('2012-01-02T03:04:05Z')", "from smartdc.legacy import LegacyDataCenter as L\nL is LegacyDataCenter", "from smartdc import *\nDataCenter.__name__",
    "from smartdc.datacenter import KNOWN_LOCATIONS\nlen(KNOWN_LOCATIONS) > 3", "from smartdc.datacenter import DEFAULT_LOCATION\nDEFAULT_LOCATION",
    "from smartdc.datacenter import DEFAULT_HEADERS\nDEFAULT_HEADERS['Accept']", "smartdc.__version__ > '0'", "from smartdc.machine import *\nMachine.__name__", "LegacyDataCenter.API_VERSION",
    *_each("LegacyDataCenter('us-sw-1', **options).$", "images()", "image(IMAGE)", "networks()", "network(EXTERNAL)", "url", "base_url", "api()"),
    "str(LegacyDataCenter('us-sw-1'))",
]  # fmt: skip

CALLS = list(
    dict.fromkeys(
        [*_ACCOUNT, *_PLACES, *_REQUESTS, *_LISTS, *_MACHINES, *_CREATE, *_MACHINE, *_SNAPSHOTS, *_IMPORTS]
    )
)
