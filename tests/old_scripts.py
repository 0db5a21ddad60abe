"""Scripts in py-smartdc's idioms; the expected output of each follows ``---``.

Only the syntax is Python 3's. They are written for these tests and do what public scripts do: inventories,
deployment tasks, modules of configuration tools, clean-up jobs. The only document in 0.2.0's source archive
is its README; ``tests/test_tutorial_seed.py`` has the tutorial that it links to.
"""

from __future__ import annotations

SCRIPTS = {
    "README: quickstart": """
        sdc = DataCenter(location='us-sw-1', key_id='/test/keys/test_key')
        print(len(sdc.datasets()) > 5)
        sm = sdc.create_machine(name='test', dataset='sdc:sdc:base64:13.4.0',
            package='g3-standard-0.25-smartos')
        sm.poll_until('running')
        print('http://' + sm.public_ips[0])
        sm.stop()
        sm.poll_until('stopped')
        sm.delete()
        sm.poll_until('deleted')
        print(sdc.machines(name='test'))
        ---
        True
        http://198.18.0.8
        []
    """,
    "README: locations of another provider": """
        mad = DataCenter(location='eu-mad-1', known_locations=TELEFONICA_LOCATIONS,
            key_id='/test/keys/test_key')
        print(mad.default_package()['name'])
        ---
        g3-standard-0.25-smartos
    """,
    "inventory by type and address": """
        import json
        sdc = DataCenter(location=HOST, key_id='/test/keys/test_key', secret='~/.ssh/id_rsa', verbose=False)
        inventory = {'all': [], 'hosts': {}}
        for server in sdc.machines():
            inventory.setdefault(server.type or 'ungrouped', []).append(server.name)
            inventory['all'].append(server.name)
            if server.public_ips:
                address = server.public_ips[0]
            elif server.private_ips:
                address = server.private_ips[0]
            else:
                address = server.name
            inventory['hosts'][server.name] = {'ansible_ssh_host': address}
        for name, host in sorted(inventory.pop('hosts').items()):
            print('%s ansible_ssh_host=%s' % (name, host['ansible_ssh_host']))
        print(json.dumps(dict((group, sorted(names)) for group, names in inventory.items()), sort_keys=True))
        ---
        db0 ansible_ssh_host=198.18.0.7
        web0 ansible_ssh_host=198.18.0.5
        web1 ansible_ssh_host=198.18.0.6
        {"all": ["db0", "web0", "web1"], "smartmachine": ["db0", "web0", "web1"]}
    """,
    "attributes in a table": """
        for m in sorted(sdc.machines(), key=lambda m: m.name):
            print('%-5s %s %5d MB %6d %s' % (m.name, m.state, m.memory, m.disk, m.public_ips))
            print('{0.name}: {0.type} {1}'.format(m, m.created <= m.updated))
            print('%s' % m == m.id, sdc.url + m.path == sdc.url + 'machines/' + m.id)
        ---
        db0   running   256 MB   8192 ['198.18.0.7']
        db0: smartmachine True
        True True
        web0  running   256 MB   8192 ['198.18.0.5']
        web0: smartmachine True
        True True
        web1  running   256 MB   8192 ['198.18.0.6']
        web1: smartmachine True
        True True
    """,
    "packages by name and size": """
        from operator import itemgetter
        for package in sorted(sdc.packages('highcpu'), key=itemgetter('memory', 'name')):
            print('%(name)s: %(memory)d MB, %(disk)d MB' % package)
        smallest = min(sdc.packages(), key=lambda package: package['memory'])
        print(smallest['name'] == sdc.default_package()['name'], sdc.package('g4-general-4G')['vcpus'])
        ---
        g3-highcpu-0.5-smartos: 512 MB, 12288 MB
        g3-highcpu-1-smartos: 1024 MB, 25600 MB
        g4-highcpu-1G: 1024 MB, 25600 MB
        True 0
    """,
    "datasets by prefix": """
        for dataset in sdc.datasets('^sdc:sdc:base64:'):
            print('{name} {version} {os} {urn}'.format(**dataset))
        newest = sorted(sdc.datasets('base:'), key=lambda dataset: dataset['urn'])[-1]
        print(newest['urn'], sdc.dataset(newest['id'])['name'], sdc.default_dataset()['urn'])
        ---
        base64 21.4.0 smartos sdc:sdc:base64:21.4.0
        base64 14.3.0 smartos sdc:sdc:base64:14.3.0
        base64 13.4.0 smartos sdc:sdc:base64:13.4.0
        sdc:sdc:base:14.3.0 base sdc:sdc:base64:21.4.0
    """,
    "create with a URN, wait by hand": """
        import sys
        new_args = {'name': 'app', 'dataset': 'sdc:sdc:base64:', 'package': 'sample-512M', 'metadata': {},
            'tags': {}}
        machine = sdc.create_machine(**new_args)
        sys.stdout.write('waiting')
        while machine.status() != 'running':
            sys.stdout.write('.')
            sleep(5)
        print(' done: admin@%s' % machine.public_ips[0])
        print(sdc.dataset(machine.dataset)['urn'], machine.metadata.get('user-script'), machine.get_tags())
        ---
        waiting.... done: admin@198.18.0.8
        sdc:sdc:base64:21.4.0 None {}
    """,
    "tags": """
        web = sdc.machines(name='web0')[0]
        print(web.add_tags(colour='red', size=3)['colour'])
        sleep(5)
        print(sorted(web.get_tags().items()), web.get_tag('role'))
        print([m.name for m in sdc.machines(tags={'colour': 'red'})], sdc.num_machines(tags={'role': 'web'}))
        web.delete_tag('colour')
        sleep(5)
        print(sorted(web.get_tags()))
        web.delete_all_tags()
        sleep(5)
        print(web.get_tags())
        ---
        red
        [('colour', 'red'), ('role', 'web'), ('size', 3)] web
        ['web0'] 2
        ['role', 'size']
        {}
    """,
    "metadata": """
        db = sdc.machines(name='db0')[0]
        db.update_metadata(purpose='demo', owner='me')
        sleep(5)
        print(db.get_metadata()['purpose'], 'owner' in db.metadata)
        db.delete_metadata_at_key('owner')
        sleep(5)
        db.refresh()
        print('owner' in db.metadata, db.metadata['purpose'])
        db.delete_all_metadata()
        sleep(5)
        print('purpose' in db.get_metadata())
        ---
        demo True
        False demo
        False
    """,
    "snapshots that rotate": """
        db = sdc.machines(name='db0')[0]
        for day in ('mon', 'tue', 'wed'):
            snapshot = db.create_snapshot('backup-' + day)
            while snapshot.status() != 'created':
                sleep(2)
        kept = db.snapshots()
        print(sorted(s.name for s in kept), kept[0].state)
        for old in sorted(kept, key=lambda s: s.name)[:-2]:
            old.delete()
        sleep(10)
        print(sorted('%s' % s for s in db.snapshots()))
        db.stop()
        db.poll_until('stopped')
        db.start_from_snapshot('backup-tue')
        db.poll_until('running')
        print(db.status(), db.snapshot('backup-tue').name)
        ---
        ['backup-mon', 'backup-tue', 'backup-wed'] created
        ['backup-tue', 'backup-wed']
        running backup-tue
    """,
    "boot scripts": """
        with open('setup.sh', 'w') as f:
            f.write('#!/bin/sh\\ntouch /tmp/ready\\n')
        m = sdc.create_machine('booted', 'sample-512M', 'sdc:sdc:base64:14.3.0', boot_script='setup.sh')
        m.poll_while('provisioning')
        print(m.state, repr(m.boot_script))
        with open('setup.sh', 'w') as f:
            f.write('#!/bin/sh\\ntouch /tmp/again\\n')
        m.set_boot_script('setup.sh')
        sleep(5)
        m.refresh()
        print('again' in m.boot_script)
        m.delete_boot_script()
        sleep(5)
        m.refresh()
        print(repr(m.boot_script))
        ---
        running '#!/bin/sh\\ntouch /tmp/ready\\n'
        True
        None
    """,
    "a pool that stops and starts": """
        from multiprocessing.dummy import Pool
        from operator import methodcaller
        pool = Pool(4)
        machines = sdc.machines(tags={'role': 'web'})
        pool.map(methodcaller('stop'), machines)
        pool.map(methodcaller('poll_until', 'stopped', 1), machines)
        print(pool.map(methodcaller('status'), machines), sdc.num_machines(state='stopped'))
        pool.map(methodcaller('start'), machines)
        pool.map(methodcaller('poll_while', 'stopped'), machines)
        print(sorted(m.name for m in sdc.machines(state='running')))
        pool.close()
        pool.join()
        ---
        ['stopped', 'stopped'] 2
        ['db0', 'web0', 'web1']
    """,
    "keys": """
        for key in sdc.keys():
            print('%(name)s' % key, len(key['fingerprint'].split(':')), key['key'].split()[0])
        if 'deploy' not in [key['name'] for key in sdc.keys()]:
            sdc.add_key('deploy', ANOTHER_KEY)
        print(sdc.key('deploy')['name'], len(sdc.keys()))
        sdc.delete_key('deploy')
        print([key['name'] for key in sdc.keys()])
        ---
        test_key 16 ssh-ed25519
        deploy 2
        ['test_key']
    """,
    "networks": """
        networks = dict((network['name'], network['id']) for network in sdc.networks())
        print(sorted(networks))
        public = [network for network in sdc.networks() if network['public']]
        print(public[0]['name'], sdc.network(networks['external'])['name'], len(sdc.networks('ext')))
        m = sdc.create_machine(name='inside', package='sample-512M', image=sdc.images(name='base64')[0]['id'],
            networks=[networks['My-Fabric-Network']])
        m.poll_until('running')
        print(m.public_ips, len(m.private_ips))
        ---
        ['My-Fabric-Network', 'external', 'private']
        external external 1
        [] 1
    """,
    "errors": """
        import requests
        try:
            sdc.machine('00000000-0000-4000-8000-000000000000')
        except requests.HTTPError as e:
            print(e.response.status_code, e.response.json()['code'])
        try:
            sdc.create_machine(name='again', package='no-such-package', dataset='sdc:sdc:base64:')
        except requests.exceptions.RequestException as e:
            print(e.response.status_code)
        result, response = sdc.request('GET', 'machines/' + sdc.machines()[0].id + '/audit')
        print(response.status_code, isinstance(result, list))
        ---
        404 ResourceNotFound
        409
        200 True
    """,
    "as many machines as wanted": """
        import time
        wanted, tags = 4, {'role': 'web'}
        running = sdc.machines(tags=tags, state='running')
        created = [sdc.create_machine(name=None, package='sample-512M', image=sdc.images('base64')[0]['id'],
            networks=None, tags=dict(list(tags.items()) + [('n', x)])) for x in range(wanted - len(running))]
        end = time.time() + 600
        while not all(sm.status() == 'running' for sm in created) and end > time.time():
            sleep(2)
        data = [sdc.raw_machine_data(sm.id) for sm in running + created]
        print([d['state'] for d in data], sorted(d['tags'].get('n', '') for d in data if 'n' in d['tags']))
        ---
        ['running', 'running', 'running', 'running'] [0, 1]
    """,
    "clean up": """
        doomed = [m for m in sdc.machines() if m.name.startswith('web')]
        [m.stop() for m in doomed if m.status() == 'running']
        for m in doomed:
            m.poll_until('stopped')
            m.delete()
        for m in doomed:
            m.poll_until('deleted')
        print([m.name for m in sdc.machines()], sdc.num_machines(), doomed[0] in sdc.machines())
        ---
        ['db0'] 1 False
    """,
    "every data center, resize, reboot": """
        for name in sorted(sdc.datacenters()):
            there = sdc.datacenter(name)
            print('%s: %d of %s' % (there.location, len(there.machines()), sdc.me()['login']))
        m = sdc.machines(name='db0')[0]
        m.resize('g3-standard-1-smartos')
        sleep(30)
        m.refresh()
        print(m.memory)
        m.reboot()
        m.poll_until('running')
        print(m.status(), '%s' % m in [x.id for x in sdc.machines(state='running')])
        ---
        eu-ams-1: 0 of test
        us-east-1: 0 of test
        us-sw-1: 3 of test
        1024
        running True
    """,
    "pages": """
        names, offset = [], 0
        while True:
            page = sdc.machines(limit=2, offset=offset)
            if not page:
                break
            names.extend(m.name for m in page)
            offset += len(page)
        print(sorted(names), len(sdc.machines('smartmachine', memory=256)))
        ---
        ['db0', 'web0', 'web1'] 3
    """,
    "separate login, packages and images by id": """
        sdc = DataCenter(location='us-sw-1', login='test', key_id='/test/keys/test_key',
            secret='~/.ssh/id_rsa')
        package = sdc.packages(name='g4-general-4G')
        image = sdc.images('base64', version='14.3.0')
        assert len(package) == len(image) == 1
        m = sdc.create_machine('big', package[0]['id'], metadata={'a': 'b'}, image=image[0]['id'])
        m.poll_until('running', interval=5)
        print(m.memory, m.metadata['a'], m.dataset == image[0]['id'], sorted(m.credentials()))
        ---
        4096 b True ['admin', 'root']
    """,
    "objects in sets and dicts": """
        machines = sdc.machines(machine_type='smartmachine', tags={'role': 'web'}, limit=10)
        names = dict((m, m.name) for m in machines)
        again = sdc.machines(tags={'role': 'web'})
        print(sorted(names[m] for m in again), len(set(machines + again)), again[0].status())
        db = set(sdc.machines()) - set(machines)
        print([m.name for m in db], [sdc.machine('%s' % m) == m for m in db])
        ---
        ['web0', 'web1'] 2 running
        ['db0'] [True]
    """,
}
