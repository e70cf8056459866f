-- A store of version 2, as Louro wrote it: iterdump() of the SQLite file.
CREATE TABLE audit (
	id INTEGER NOT NULL,
	at FLOAT NOT NULL,
	actor TEXT NOT NULL,
	action TEXT NOT NULL,
	target TEXT NOT NULL,
	detail TEXT NOT NULL,
	PRIMARY KEY (id)
);
INSERT INTO audit VALUES(1,1700000000.0,'local','key.create','key_cb994b27bd41df0e','app (sk-lr-4a2f0b5d...), project shop');
INSERT INTO audit VALUES(2,1700000000.0,'local','budget.set','key_cb994b27bd41df0e','5 USD/day');
CREATE TABLE budgets (
	scope VARCHAR(20) NOT NULL,
	owner TEXT NOT NULL,
	per VARCHAR(20) NOT NULL,
	unit VARCHAR(20) NOT NULL,
	amount BIGINT NOT NULL,
	PRIMARY KEY (scope, owner, per, unit)
);
INSERT INTO budgets VALUES('key','key_cb994b27bd41df0e','day','money',5000000000);
CREATE TABLE client_secrets (
	digest VARCHAR(64) NOT NULL,
	key_id VARCHAR(40),
	session TEXT NOT NULL,
	expires_at FLOAT NOT NULL,
	PRIMARY KEY (digest)
);
CREATE TABLE keys (
	id VARCHAR(40) NOT NULL,
	name VARCHAR(200) NOT NULL,
	project VARCHAR(200) NOT NULL,
	scopes VARCHAR(400) NOT NULL,
	prefix VARCHAR(24) NOT NULL,
	digest VARCHAR(64) NOT NULL,
	created_at FLOAT NOT NULL,
	expires_at FLOAT,
	revoked_at FLOAT,
	used_at FLOAT,
	PRIMARY KEY (id),
	UNIQUE (prefix)
);
INSERT INTO keys VALUES('key_cb994b27bd41df0e','app','shop','realtime','sk-lr-4a2f0b5d','9ec2b59a5137771540a485af5cca9ebada3b5791ecd28fc6049216ef108dd060',1700000000.0,NULL,NULL,NULL);
CREATE TABLE louro_schema (
	version INTEGER NOT NULL
);
INSERT INTO louro_schema VALUES(2);
CREATE TABLE usage_entries (
	kind VARCHAR(20) NOT NULL,
	id TEXT NOT NULL,
	session_id TEXT NOT NULL,
	key_id TEXT,
	project TEXT NOT NULL,
	model TEXT NOT NULL,
	status TEXT NOT NULL,
	at FLOAT NOT NULL,
	day DATE NOT NULL,
	input_text BIGINT NOT NULL,
	input_audio BIGINT NOT NULL,
	input_image BIGINT NOT NULL,
	cached_text BIGINT NOT NULL,
	cached_audio BIGINT NOT NULL,
	cached_image BIGINT NOT NULL,
	output_text BIGINT NOT NULL,
	output_audio BIGINT NOT NULL,
	input_ms BIGINT NOT NULL,
	output_ms BIGINT NOT NULL,
	tool_calls BIGINT NOT NULL,
	first_audio_ms BIGINT,
	duration_ms BIGINT NOT NULL,
	price_nanos BIGINT NOT NULL,
	price_since DATE,
	PRIMARY KEY (kind, id)
);
INSERT INTO usage_entries VALUES('response','resp_1','sess_1','key_cb994b27bd41df0e','shop','gpt-realtime','completed',1700000100.0,'2023-11-14',60,40,0,20,10,0,10,40,2400,500,1,300,7000,3692000,'2025-08-28');
INSERT INTO usage_entries VALUES('transcription','item_1.0','sess_1','key_cb994b27bd41df0e','shop','whisper-1','completed',1700000101.0,'2023-11-14',0,0,0,0,0,0,0,0,0,0,0,NULL,0,600000,'2023-03-01');
CREATE TABLE usage_totals (
	counted VARCHAR(20) NOT NULL,
	name TEXT NOT NULL,
	day DATE NOT NULL,
	nanos BIGINT NOT NULL,
	tokens BIGINT NOT NULL,
	ms BIGINT NOT NULL,
	PRIMARY KEY (counted, name, day)
);
INSERT INTO usage_totals VALUES('key','key_cb994b27bd41df0e','2023-11-14',4292000,150,2900);
INSERT INTO usage_totals VALUES('project','shop','2023-11-14',4292000,150,2900);
INSERT INTO usage_totals VALUES('session','sess_1','2023-11-14',4292000,150,2900);
CREATE INDEX ix_client_secrets_expires_at ON client_secrets (expires_at);
CREATE INDEX usage_entries_at ON usage_entries (at);
CREATE INDEX ix_audit_at ON audit (at);
