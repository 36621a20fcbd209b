"""One step of one magnetisation m: the equation of Landau, Lifshitz, Gilbert and
Slonczewski, its derivatives and its thermal kick.

With rates in the unit of time, w = b + k u (u m) - n * m the effective field, p the
polariser, u the easy axis, beta the field-like part and

    B = c I / (1 + s m p)

the spin torque, Gilbert's form dm/dt = -m x w + alpha m x dm/dt + B [m x (p x m) +
beta m x p] is solved for dm/dt:

    dm/dt = -(m x a + m x (m x b)) ,                                              (M1)
    (1 + alpha^2) a = w - (alpha + beta) B p ,
    (1 + alpha^2) b = alpha w + (1 - alpha beta) B p .

q = (alpha, b_x, b_y, b_z, k, n_x, n_y, n_z, c, s, beta, noise, bias), as
`Macrospin.numbers` names them; shared = (p, u).
"""

from spinrnn.kernels.arithmetic import square_root

MOST = 1_000_000
"""Largest number of steps in a row; what needs more gives NaN."""

# ---- vectors and matrices of three ----


def cross(a, b):
    return (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])


def dot(a, b):
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def scaled(c, a):
    return (c * a[0], c * a[1], c * a[2])


def added(a, c, b):
    """a + c b."""
    return (a[0] + c * b[0], a[1] + c * b[1], a[2] + c * b[2])


def times(matrix, a):
    """The matrix, row by row, times a."""
    return (dot(matrix[0], a), dot(matrix[1], a), dot(matrix[2], a))


# ---- the slope (M1) and its derivatives ----


def answer(m, k, alpha, v):
    """G v, by how much dm/dt follows a change v of the field: -(m x v + alpha m x
    (m x v)) / (1 + alpha^2).
    """
    crossed = cross(m, v)
    return scaled(-k, added(crossed, alpha, cross(m, crossed)))


def fields(q, shared, m, current, one):
    """(w, k, B, dB/dc, m p, p, u), k = 1 / (1 + alpha^2)."""
    p, u = (shared[0], shared[1], shared[2]), (shared[3], shared[4], shared[5])
    along, across = q[4] * dot(u, m), dot(m, p)
    w = (
        q[1] + along * u[0] - q[5] * m[0],
        q[2] + along * u[1] - q[6] * m[1],
        q[3] + along * u[2] - q[7] * m[2],
    )
    by_c = current / (one + q[9] * across)
    return w, one / (one + q[0] * q[0]), q[8] * by_c, by_c, across, p, u


def slope(q, shared, m, current, one):
    """dm/dt."""
    w, k, torque, _, _, p, _ = fields(q, shared, m, current, one)
    a = added(w, -(q[0] + q[10]) * torque, p)
    b = added(scaled(q[0], w), (one - q[0] * q[10]) * torque, p)
    return scaled(-k, added(cross(m, a), one, cross(m, cross(m, b))))


def derivatives(q, shared, m, current, one):
    """(dm/dt, M, forces): M = d(dm/dt)/dm row by row; forces: d(dm/dt)/d(I, alpha,
    beta), of the field, of n, and of (k, c, s), each three vectors.

    With T = d(dm/dt)/dB, M = [a] + [m x b] - (m b) 1 + b m' + G (k u u' - n) - B s
    share T p', [a] v = a x v and share = 1 / (1 + s m p).
    """
    alpha, beta, skew = q[0], q[10], q[9]
    w, k, torque, by_c, across, p, u = fields(q, shared, m, current, one)
    turn, down = alpha + beta, one - alpha * beta
    share = one / (one + skew * across)
    a = scaled(k, added(w, -turn * torque, p))
    b = scaled(k, added(scaled(alpha, w), down * torque, p))
    mb = cross(m, b)
    change = scaled(-one, added(cross(m, a), one, cross(m, mb)))
    g = gains(m, k, alpha, one)
    mp = cross(m, p)
    t = scaled(k, added(scaled(turn, mp), -down, cross(m, mp)))
    gu = added(added(scaled(u[0], g[0]), u[1], g[1]), u[2], g[2])
    matrix = jacobian(q, m, added(a, one, mb), b, g, gu, u, t, scaled(-torque * skew * share, p))
    # of alpha, also in k = 1 / (1 + alpha^2)
    two = one + one
    da = scaled(k, added(scaled(-two * alpha, a), -torque, p))
    db = scaled(k, added(added(scaled(-two * alpha, b), one, w), -beta * torque, p))
    by_alpha = scaled(-one, added(cross(m, da), one, cross(m, cross(m, db))))
    gp = added(added(scaled(p[0], g[0]), p[1], g[1]), p[2], g[2])
    forces = (
        (scaled(q[8] * share, t), by_alpha, scaled(-torque, gp)),
        g,
        (scaled(-m[0], g[0]), scaled(-m[1], g[1]), scaled(-m[2], g[2])),
        (scaled(dot(u, m), gu), scaled(by_c, t), scaled(-torque * share * across, t)),
    )
    return change, matrix, forces


def gains(m, k, alpha, one):
    """The columns of G: `answer` to a field along x, y and z."""
    zero = one - one
    return (
        answer(m, k, alpha, (one, zero, zero)),
        answer(m, k, alpha, (zero, one, zero)),
        answer(m, k, alpha, (zero, zero, one)),
    )


def jacobian(q, m, c, b, g, gu, u, t, r):
    """M of `derivatives`, row by row; c = a + m x b, r = -B s share p."""
    mb, ku = dot(m, b), scaled(q[4], u)
    # row i, column j: b_i m_j + k (G u)_i u_j + T_i r_j
    rows = (
        added(added(scaled(b[0], m), gu[0], ku), t[0], r),
        added(added(scaled(b[1], m), gu[1], ku), t[1], r),
        added(added(scaled(b[2], m), gu[2], ku), t[2], r),
    )
    n = (q[5], q[6], q[7])
    return (
        (
            rows[0][0] - mb - g[0][0] * n[0],
            rows[0][1] - c[2] - g[1][0] * n[1],
            rows[0][2] + c[1] - g[2][0] * n[2],
        ),
        (
            rows[1][0] + c[2] - g[0][1] * n[0],
            rows[1][1] - mb - g[1][1] * n[1],
            rows[1][2] - c[0] - g[2][1] * n[2],
        ),
        (
            rows[2][0] - c[1] - g[0][2] * n[0],
            rows[2][1] + c[0] - g[1][2] * n[1],
            rows[2][2] - mb - g[2][2] * n[2],
        ),
    )


# ---- blocks of derivatives ----
# The derivatives of m are five blocks of three vectors: by m, and by I and the numbers
# as in `derivatives`.


def stage(q, shared, m, current, one):
    """(dm/dt, M, five blocks: the columns of M, forces)."""
    change, rows, forces = derivatives(q, shared, m, current, one)
    columns = (
        (rows[0][0], rows[1][0], rows[2][0]),
        (rows[0][1], rows[1][1], rows[2][1]),
        (rows[0][2], rows[1][2], rows[2][2]),
    )
    return change, rows, (columns, forces[0], forces[1], forces[2], forces[3])


def led_on(matrix, c, x, e):
    """e + c matrix x of three vectors each."""
    return (
        added(e[0], c, times(matrix, x[0])),
        added(e[1], c, times(matrix, x[1])),
        added(e[2], c, times(matrix, x[2])),
    )


def all_led_on(matrix, c, x, e):
    """`led_on` of five blocks."""
    return (
        led_on(matrix, c, x[0], e[0]),
        led_on(matrix, c, x[1], e[1]),
        led_on(matrix, c, x[2], e[2]),
        led_on(matrix, c, x[3], e[3]),
        led_on(matrix, c, x[4], e[4]),
    )


def mean(x1, x2, x3, x4, one):
    """x1 + 2 x2 + 2 x3 + x4 of vectors."""
    two = one + one
    return added(added(x1, one, x4), two, added(x2, one, x3))


def means(x1, x2, x3, x4, one):
    """`mean` of three vectors each."""
    return (
        mean(x1[0], x2[0], x3[0], x4[0], one),
        mean(x1[1], x2[1], x3[1], x4[1], one),
        mean(x1[2], x2[2], x3[2], x4[2], one),
    )


def projection(y, one):
    """(y / |y|, its derivative: (1 - e e') / |y|, row by row)."""
    inverse = one / square_root(dot(y, y))
    e = scaled(inverse, y)
    f = scaled(-inverse, e)
    zero = one - one
    return e, (
        added((inverse, zero, zero), f[0], e),
        added((zero, inverse, zero), f[1], e),
        added((zero, zero, inverse), f[2], e),
    )


# ---- the step ----


def runge_kutta(q, shared, h, m, current, one):
    """(m', five blocks): one classical step of fourth order, put back to length 1."""
    half = h / (one + one)
    k1, _, x1 = stage(q, shared, m, current, one)
    k2, m2, e2 = stage(q, shared, added(m, half, k1), current, one)
    x2 = all_led_on(m2, half, x1, e2)
    k3, m3, e3 = stage(q, shared, added(m, half, k2), current, one)
    x3 = all_led_on(m3, half, x2, e3)
    k4, m4, e4 = stage(q, shared, added(m, h, k3), current, one)
    x4 = all_led_on(m4, h, x3, e4)
    sixth = h / (one + one + one + one + one + one)
    after, along = projection(added(m, sixth, mean(k1, k2, k3, k4, one)), one)
    zero = one - one
    none = (zero, zero, zero)
    blank = (none, none, none)
    # `along` is symmetric: its rows are the columns of dm'/dm
    return after, (
        led_on(along, sixth, means(x1[0], x2[0], x3[0], x4[0], one), along),
        led_on(along, sixth, means(x1[1], x2[1], x3[1], x4[1], one), blank),
        led_on(along, sixth, means(x1[2], x2[2], x3[2], x4[2], one), blank),
        led_on(along, sixth, means(x1[3], x2[3], x3[3], x4[3], one), blank),
        led_on(along, sixth, means(x1[4], x2[4], x3[4], x4[4], one), blank),
    )


def as_step(after, x, one):
    """What a step gives back: m', J, b and P of the five blocks."""
    zero = one - one
    return (
        after,
        (
            (x[0][0][0], x[0][1][0], x[0][2][0]),
            (x[0][0][1], x[0][1][1], x[0][2][1]),
            (x[0][0][2], x[0][1][2], x[0][2][2]),
        ),
        x[1][0],
        (by_numbers(x, 0, zero), by_numbers(x, 1, zero), by_numbers(x, 2, zero)),
    )


def by_numbers(x, i, zero):
    """Row i of P, in the order of q."""
    return (
        x[1][1][i],
        x[2][0][i],
        x[2][1][i],
        x[2][2][i],
        x[4][0][i],
        x[3][0][i],
        x[3][1][i],
        x[3][2][i],
        x[4][1][i],
        x[4][2][i],
        x[1][2][i],
        zero,
        zero,
    )


def step(q, shared, h, s, current, one):
    """One Runge-Kutta step of fourth order for a drive that is held."""
    after, x = runge_kutta(q, shared, h, s, current, one)
    return as_step(after, x, one)


def strength(q, h, current, one):
    """Above 1 where half a radian of the fastest precession is less than a step."""
    span = abs(q[5] - q[6]) + abs(q[6] - q[7])
    field = abs(q[1]) + abs(q[2]) + abs(q[3]) + abs(q[4]) + span
    return (h + h) * (field + abs(q[8] * current) / (one - abs(q[9])))


def strong_step(q, shared, h, s, current, one):
    """As many Runge-Kutta steps in a row as make each half a radian or less; NaN where
    they are more than MOST.
    """
    wanted = strength(q, h, current, one)
    # false for NaN, which goes on as such
    h = square_root(-one) if wanted > MOST else h
    whole = int(wanted) if wanted <= MOST else 1
    count = whole + (whole < wanted)
    # by the lines of `step`: its bits do not depend on samples that are driven more
    if count <= 1:
        return step(q, shared, h, s, current, one)
    # in the type of `one`, as a whole number would widen it
    total = one
    for _ in range(count - 1):
        total = total + one
    part, after = h / total, s
    x = unmoved(one)
    for _ in range(count):
        after, e = runge_kutta(q, shared, part, after, current, one)
        x = through(x, e, one)
    return as_step(after, x, one)


def unmoved(one):
    """The blocks of no step."""
    zero = one - one
    none = (zero, zero, zero)
    blank = (none, none, none)
    own = ((one, zero, zero), (zero, one, zero), (zero, zero, one))
    return (own, blank, blank, blank, blank)


def through(x, e, one):
    """The blocks of a step e after one with the blocks x."""
    zero = one - one
    none = (zero, zero, zero)
    a, b, c = e[0]
    matrix = ((a[0], b[0], c[0]), (a[1], b[1], c[1]), (a[2], b[2], c[2]))
    blank = (none, none, none)
    return all_led_on(matrix, one, x, (blank, e[1], e[2], e[3], e[4]))


# ---- thermal noise ----


def kick(q, h, s, r2, cosine, one):
    """m' = (m + t) / |m + t|, t = sqrt(noise h) (n1 e1 + n2 e2) in the tangent plane,
    n1 and n2 standard normal.

    Of the one cosine come two normals: theta = arccos c is uniform, and so is its
    double, so that n1 = r cos(2 theta), n2 = r sin(2 theta) with r^2 = r2. (e1, e2, m)
    are an orthonormal frame (Duff et al., J. Comput. Graph. Tech. 6, 1 (2017)).
    """
    zero, two = one - one, one + one
    size = square_root(q[11] * h * r2)
    first = size * (two * cosine * cosine - one)
    # rounding may take the sine's square below zero
    left = one - cosine * cosine
    second = size * two * cosine * square_root(left if left > zero else zero)
    x, y, z = s
    sign = one if z >= zero else -one
    a = -one / (sign + z)
    b, a2 = x * y * a, a * a
    e1 = (one + sign * x * x * a, sign * b, -sign * x)
    e2 = (b, sign + y * y * a, -y)
    t = added(scaled(first, e1), second, e2)
    after, along = projection(added(s, one, t), one)
    # da/dz = a^2; dt/dm, column by column
    tx = (first * two * sign * x * a + second * y * a, first * sign * y * a, -first * sign)
    ty = (second * x * a, first * sign * x * a + second * two * y * a, -second)
    tz = (
        a2 * (first * sign * x * x + second * x * y),
        a2 * (first * sign * x * y + second * y * y),
        zero,
    )
    tx, ty, tz = (one + tx[0], tx[1], tx[2]), (ty[0], one + ty[1], ty[2]), (tz[0], tz[1], one)
    kx, ky, kz = times(along, tx), times(along, ty), times(along, tz)
    # dt/dnoise = t / (2 noise)
    safe = q[11] if q[11] > zero else one
    by_noise = scaled((one if q[11] > zero else zero) / (two * safe), times(along, t))
    jacobian = ((kx[0], ky[0], kz[0]), (kx[1], ky[1], kz[1]), (kx[2], ky[2], kz[2]))
    rows = (only(by_noise[0], zero), only(by_noise[1], zero), only(by_noise[2], zero))
    return after, jacobian, rows


def only(value, zero):
    """A row of P of which the noise alone is not zero."""
    return (zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, value, zero)
