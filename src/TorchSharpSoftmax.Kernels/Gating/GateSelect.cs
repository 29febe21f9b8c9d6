using System.Numerics;
using System.Runtime.CompilerServices;

namespace TorchSharpSoftmax.Kernels;

/// <summary>The k largest of each lane's numbers, sorted, with the place of each; of equal ones the first stands first.</summary>
/// <remarks>
/// A number is compared with every slot of the list as it was, never with what it displaced: that would reorder equals. NaN counts as -infinity, so that every slot
/// holds another place. Places are numbers of the computing type, exact up to 2^24.
/// </remarks>
internal static unsafe class GateSelect<V, T>
    where V : unmanaged, ILanes<V, T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>The longest list that stays in registers: two vectors for each place take half of the widest machine's.</summary>
    private const nint MostInRegisters = 8;

    /// <summary>Among the first so many numbers one of some lane's changes its list so often that asking first costs more than it saves.</summary>
    private const nint Often = 512;

    private const MethodImplOptions OnePass = MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization;

    /// <summary>Fills k vectors of values and of places from n; bad becomes NaN in a lane with a NaN, else 0.</summary>
    internal static void Run(T* x, nint n, nint k, T* values, T* places, T* bad)
    {
        if (k == 1) One(x, n, values, places, bad);
        else if (k == 2) Two(x, n, values, places, bad);
        else if (k <= MostInRegisters) Few(x, n, k, values, places, bad);
        else Any(x, n, k, values, places, bad);
    }

    /// <summary>Lists that fit registers.</summary>
    private static void Few(T* x, nint n, nint k, T* values, T* places, T* bad)
    {
        switch (k)
        {
            case 3: Few<Three>(x, n, values, places, bad); break;
            case 4: Few<Four>(x, n, values, places, bad); break;
            case 5: Few<Five>(x, n, values, places, bad); break;
            case 6: Few<Six>(x, n, values, places, bad); break;
            case 7: Few<Seven>(x, n, values, places, bad); break;
            default: Few<Eight>(x, n, values, places, bad); break;
        }
    }

    /// <summary>The first numbers make a list, and the others go through it.</summary>
    private static void Few<K>(T* x, nint n, T* values, T* places, T* bad) where K : struct, ILength
    {
        nint k = K.Count, often = V.Count <= 2 ? k : n < Often ? n : Often;
        Any(x, k, k, values, places, bad);
        if (often > k) Others<K, No>(x, k, often, values, places, bad);
        if (often < n) Others<K, Yes>(x, often, n, values, places, bad);
    }

    [MethodImpl(OnePass)]
    private static void One(T* x, nint n, T* values, T* places, T* bad)
    {
        nint w = V.Count;
        V least = V.Broadcast(Const.Of<T>(double.NegativeInfinity)), one = V.Broadcast(Const.Of<T>(1)), at = V.Broadcast(Const.Of<T>(0)), wrong = at;
        V v0 = Number(V.Load(x), least, ref wrong), i0 = at;
        for (nint e = 1; e < n; e++)
        {
            x += w;
            at += one;
            V v = Number(V.Load(x), least, ref wrong);
            i0 = V.WhereLess(v0, v, at, i0);
            v0 = V.AtLeast(v0, v);
        }
        V.Store(v0, values);
        V.Store(i0, places);
        V.Store(wrong, bad);
    }

    [MethodImpl(OnePass)]
    private static void Two(T* x, nint n, T* values, T* places, T* bad)
    {
        nint w = V.Count;
        V least = V.Broadcast(Const.Of<T>(double.NegativeInfinity)), one = V.Broadcast(Const.Of<T>(1)), zero = V.Broadcast(Const.Of<T>(0)), wrong = zero;
        V first = Number(V.Load(x), least, ref wrong), second = Number(V.Load(x + w), least, ref wrong), at = one;
        V v0 = V.AtLeast(first, second), i0 = V.WhereLess(first, second, one, zero);
        V v1 = V.WhereLess(first, second, first, second), i1 = V.WhereLess(first, second, zero, one);
        x += w;
        for (nint e = 2; e < n; e++)
        {
            x += w;
            at += one;
            V v = Number(V.Load(x), least, ref wrong);
            i1 = V.WhereLess(v1, v, V.WhereLess(v0, v, i0, at), i1);
            v1 = V.AtLeast(v1, V.AtMost(v, v0));
            i0 = V.WhereLess(v0, v, at, i0);
            v0 = V.AtLeast(v0, v);
        }
        V.Store(v0, values);
        V.Store(v1, values + w);
        V.Store(i0, places);
        V.Store(i1, places + w);
        V.Store(wrong, bad);
    }

    [MethodImpl(OnePass)]
    private static void Any(T* x, nint n, nint k, T* values, T* places, T* bad)
    {
        nint w = V.Count;
        V least = V.Broadcast(Const.Of<T>(double.NegativeInfinity)), one = V.Broadcast(Const.Of<T>(1)), zero = V.Broadcast(Const.Of<T>(0)), at = zero, wrong = zero;
        for (nint e = 0; e < n; e++, x += w, at += one)
        {
            V v = Number(V.Load(x), least, ref wrong);
            nint slot = (k - 1) * w;
            if (e < k) // the slot behind the list's end takes what is pushed out of it, or the number itself
            {
                slot = e * w;
                V last = e == 0 ? v : V.Load(values + slot - w), lastPlace = e == 0 ? at : V.Load(places + slot - w);
                V.Store(V.WhereLess(last, v, last, v), values + slot);
                V.Store(V.WhereLess(last, v, lastPlace, at), places + slot);
                slot -= w;
                if (e == 0) continue;
            }
            V kept = V.Load(values + slot), place = V.Load(places + slot);
            if (!V.AnyLess(kept, v)) continue;
            for (; slot > 0; slot -= w)
            {
                V above = V.Load(values + slot - w), abovePlace = V.Load(places + slot - w);
                V.Store(V.WhereLess(kept, v, V.WhereLess(above, v, abovePlace, at), place), places + slot);
                V.Store(V.AtLeast(kept, V.AtMost(v, above)), values + slot);
                kept = above;
                place = abovePlace;
            }
            V.Store(V.WhereLess(kept, v, at, place), places);
            V.Store(V.AtLeast(kept, v), values);
        }
        V.Store(wrong, bad);
    }

    /// <summary>The numbers from first to end, of those before which there is a list already; with A it is asked first whether they change it.</summary>
    [MethodImpl(OnePass)]
    private static void Others<K, A>(T* x, nint first, nint end, T* values, T* places, T* bad)
        where K : struct, ILength
        where A : struct, IChoice
    {
        nint w = V.Count;
        V least = V.Broadcast(Const.Of<T>(double.NegativeInfinity)), one = V.Broadcast(Const.Of<T>(1)), at = V.Broadcast(Const.Of<T>(first - 1)), wrong = V.Load(bad);
        V v0 = V.Load(values), v1 = V.Load(values + w), v2 = V.Load(values + 2 * w), i0 = V.Load(places), i1 = V.Load(places + w), i2 = V.Load(places + 2 * w);
        V v3 = v2, v4 = v2, v5 = v2, v6 = v2, v7 = v2, i3 = i2, i4 = i2, i5 = i2, i6 = i2, i7 = i2;
        if (K.Count > 3) (v3, i3) = (V.Load(values + 3 * w), V.Load(places + 3 * w));
        if (K.Count > 4) (v4, i4) = (V.Load(values + 4 * w), V.Load(places + 4 * w));
        if (K.Count > 5) (v5, i5) = (V.Load(values + 5 * w), V.Load(places + 5 * w));
        if (K.Count > 6) (v6, i6) = (V.Load(values + 6 * w), V.Load(places + 6 * w));
        if (K.Count > 7) (v7, i7) = (V.Load(values + 7 * w), V.Load(places + 7 * w));
        x += first * w;
        for (nint e = first; e < end; e++, x += w)
        {
            V v = Number(V.Load(x), least, ref wrong);
            at += one;
            if (A.Yes && !V.AnyLess(K.Count > 7 ? v7 : K.Count > 6 ? v6 : K.Count > 5 ? v5 : K.Count > 4 ? v4 : K.Count > 3 ? v3 : v2, v)) continue;
            if (K.Count > 7) Put(v, at, v6, i6, ref v7, ref i7);
            if (K.Count > 6) Put(v, at, v5, i5, ref v6, ref i6);
            if (K.Count > 5) Put(v, at, v4, i4, ref v5, ref i5);
            if (K.Count > 4) Put(v, at, v3, i3, ref v4, ref i4);
            if (K.Count > 3) Put(v, at, v2, i2, ref v3, ref i3);
            Put(v, at, v1, i1, ref v2, ref i2);
            Put(v, at, v0, i0, ref v1, ref i1);
            i0 = V.WhereLess(v0, v, at, i0);
            v0 = V.AtLeast(v0, v);
        }
        V.Store(v0, values);
        V.Store(v1, values + w);
        V.Store(v2, values + 2 * w);
        V.Store(i0, places);
        V.Store(i1, places + w);
        V.Store(i2, places + 2 * w);
        if (K.Count > 3) Keep(v3, i3, values + 3 * w, places + 3 * w);
        if (K.Count > 4) Keep(v4, i4, values + 4 * w, places + 4 * w);
        if (K.Count > 5) Keep(v5, i5, values + 5 * w, places + 5 * w);
        if (K.Count > 6) Keep(v6, i6, values + 6 * w, places + 6 * w);
        if (K.Count > 7) Keep(v7, i7, values + 7 * w, places + 7 * w);
        V.Store(wrong, bad);
    }

    /// <summary>A slot takes the number that is larger than what it has, or where the slot above is smaller too, what that had.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put(V v, V at, V above, V abovePlace, ref V kept, ref V place)
    {
        place = V.WhereLess(kept, v, V.WhereLess(above, v, abovePlace, at), place);
        kept = V.AtLeast(kept, V.AtMost(v, above));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Keep(V v, V at, T* value, T* place)
    {
        V.Store(v, value);
        V.Store(at, place);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Number(V x, V least, ref V wrong)
    {
        wrong = V.WhereNaN(x, x, wrong);
        return V.WhereNaN(x, least, x);
    }
}

/// <summary>How long a list is, known when a kernel is compiled.</summary>
internal interface ILength
{
    static abstract int Count { get; }
}

internal readonly struct Three : ILength
{
    static int ILength.Count => 3;
}

internal readonly struct Four : ILength
{
    static int ILength.Count => 4;
}

internal readonly struct Five : ILength
{
    static int ILength.Count => 5;
}

internal readonly struct Six : ILength
{
    static int ILength.Count => 6;
}

internal readonly struct Seven : ILength
{
    static int ILength.Count => 7;
}

internal readonly struct Eight : ILength
{
    static int ILength.Count => 8;
}
