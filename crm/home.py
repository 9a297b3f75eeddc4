"""Where does a user's day begin?"""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import redirect
from django.views.decorators.http import require_safe


@require_safe
@login_required
def home(request: HttpRequest) -> HttpResponseRedirect:
    """Whoever is signed in: reps go to their calls, managers and admins to the pipeline."""
    assert request.user.is_authenticated
    return redirect("/pipeline/" if request.user.is_manager else "/call/")
