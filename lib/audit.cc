#include "callwarden/audit.h"

CALLWARDEN_NAMESPACE_BEGIN

AuditSink::~AuditSink() = default;

CALLWARDEN_NAMESPACE_END
