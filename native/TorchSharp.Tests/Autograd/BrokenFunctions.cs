using System.Runtime.InteropServices;
using static TorchSharp.torch;
using static TorchSharp.torch.autograd;

namespace TorchSharp.Tests.Autograd;

// Functions y = 2 x, each of which breaks one rule and keeps the others.

internal abstract class Twice<T> : SingleTensorFunction<T>
    where T : Twice<T>, new()
{
    public override string Name => typeof(T).Name;

    public static Tensor Run(Tensor x)
    {
        var box = new Box();
        try
        {
            return apply(x, box);
        }
        finally
        {
            box.Close();
        }
    }

    public override Tensor forward(AutogradContext ctx, params object[] vars)
    {
        ctx.set_materialize_grads(false);
        Tensor y = RawLoop.Map((Tensor)vars[0], v => 2 * v);
        ((Box)vars[1]).Own(y);
        return y;
    }

    public override List<Tensor> backward(AutogradContext ctx, Tensor grad_output)
    {
        using (grad_output)
        {
            return Parked.Return(RawLoop.Map(grad_output, g => 2 * g), null);
        }
    }
}

internal sealed class ThrowsInForward : Twice<ThrowsInForward>
{
    public override Tensor forward(AutogradContext ctx, params object[] vars) => throw new ArgumentException("'input' has no elements; at least one is required.");
}

internal sealed class ThrowsInBackward : Twice<ThrowsInBackward>
{
    public override List<Tensor> backward(AutogradContext ctx, Tensor grad_output) => throw new ArgumentException("no gradient today");
}

internal sealed class GivesTooFewGradients : Twice<GivesTooFewGradients>
{
    public override List<Tensor> backward(AutogradContext ctx, Tensor grad_output) => Parked.Return(RawLoop.Map(grad_output, g => 2 * g));
}

internal sealed class PassesOnAnErrorOfLibtorch : Twice<PassesOnAnErrorOfLibtorch>
{
    public override List<Tensor> backward(AutogradContext ctx, Tensor grad_output) => Parked.Return(grad_output.sum(7), null);
}

/// <summary>What may be done instead of throwing: a gradient that the engine refuses.</summary>
internal sealed class Poisons : Twice<Poisons>
{
    public override List<Tensor> backward(AutogradContext ctx, Tensor grad_output) =>
        Parked.Return(zeros(Array.Empty<long>(), dtype: ScalarType.ComplexFloat32), null);
}

internal sealed class ForgetsItsOutput : Twice<ForgetsItsOutput>
{
    public override Tensor forward(AutogradContext ctx, params object[] vars) => RawLoop.Map((Tensor)vars[0], v => 2 * v);
}

internal sealed class ForgetsItsGradient : Twice<ForgetsItsGradient>
{
    public override List<Tensor> backward(AutogradContext ctx, Tensor grad_output)
    {
        using (grad_output)
        {
            return [RawLoop.Map(grad_output, g => 2 * g), null!];
        }
    }
}

/// <summary>Saves its raw output and leaves it in the list: the node holds itself.</summary>
internal sealed class SavesItsRawOutput : Twice<SavesItsRawOutput>
{
    public override Tensor forward(AutogradContext ctx, params object[] vars)
    {
        Tensor y = RawLoop.Map((Tensor)vars[0], v => 2 * v);
        ctx.save_for_backward([y]);
        return y;
    }
}

internal sealed class ReadsAnExpandedGradientAsItIs : Twice<ReadsAnExpandedGradientAsItIs>
{
    public override List<Tensor> backward(AutogradContext ctx, Tensor grad_output)
    {
        double first = MemoryMarshal.Cast<byte, double>(grad_output.bytes)[0];
        return Parked.Return(full(grad_output.shape, 2 * first, dtype: ScalarType.Float64), null);
    }
}

internal sealed class ReturnsAGradientOfItsScope : Twice<ReturnsAGradientOfItsScope>
{
    public override List<Tensor> backward(AutogradContext ctx, Tensor grad_output)
    {
        using DisposeScope scope = NewDisposeScope();
        return Parked.Return(RawLoop.Map(grad_output, g => 2 * g), null);
    }
}

internal sealed class ReturnsAGradientMovedOutOfItsScope : Twice<ReturnsAGradientMovedOutOfItsScope>
{
    public override List<Tensor> backward(AutogradContext ctx, Tensor grad_output)
    {
        using DisposeScope scope = NewDisposeScope();
        return Parked.Return(RawLoop.Map(grad_output, g => 2 * g).MoveToOuterDisposeScope(), null);
    }
}

internal sealed class UnpacksWhatWasChanged : Twice<UnpacksWhatWasChanged>
{
    public override Tensor forward(AutogradContext ctx, params object[] vars)
    {
        ctx.save_for_backward([(Tensor)vars[0]]);
        return base.forward(ctx, vars);
    }

    public override List<Tensor> backward(AutogradContext ctx, Tensor grad_output)
    {
        using Tensor x = ctx.get_saved_variables()[0];
        return base.backward(ctx, grad_output);
    }
}

/// <summary>Two outputs, and no word about unused ones.</summary>
internal sealed class TwiceAndThrice : MultiTensorFunction<TwiceAndThrice>
{
    public override string Name => nameof(TwiceAndThrice);

    public override List<Tensor> forward(AutogradContext ctx, params object[] vars)
    {
        ctx.set_materialize_grads((bool)vars[1]);
        return Held.Outputs([RawLoop.Map((Tensor)vars[0], v => 2 * v), RawLoop.Map((Tensor)vars[0], v => 3 * v)]);
    }

    public override List<Tensor> backward(AutogradContext ctx, List<Tensor> grad_outputs) =>
        Parked.Return(RawLoop.Map(grad_outputs[0], g => 2 * g), null);
}
