"""May this person throw the demo away, and what do they see then?"""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from .clear import clear
from .manifest import exists


@login_required
@require_POST
def demo_clear(request: HttpRequest) -> HttpResponse:
    """Admins: remove the demo. An admin of the demo stays as a real one, or nobody could sign in any more."""
    if not request.user.is_admin:  # type: ignore[union-attr]
        raise PermissionDenied(_("Only an admin removes the demo."))
    if exists():
        gone = clear(keep=request.user)
        messages.success(request, _("The demo is gone: %(leads)d leads removed.") % {"leads": gone["leads"]})
    else:
        messages.info(request, _("There is no demo to remove."))
    return redirect("home")
